"""Lines from files, archives and standard input: whole, bounded, with their places."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from revproxy.app.lines import STDIN, lines_of
from revproxy.errors import ConfigError

TEXT = b"one\n\n  \n" + b"x" * 9 + b"\n" + b"x" * 200_000 + b"\n" + b"12345678\nlast"
READ = [(1, b"one\n"), (4, None), (5, None), (6, b"12345678\n"), (7, b"last")]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_lines_have_a_limit_and_a_place(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(TEXT) if name.endswith(".gz") else TEXT)
    got = list(lines_of(tmp_path / name, 8))
    assert [(where.line, line) for where, line in got] == READ
    assert {where.file for where, _ in got} == {str(tmp_path / name)}


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(TEXT)))
    assert [(where.line, line) for where, line in lines_of(STDIN, 8)] == READ


@pytest.mark.parametrize("end", [-9, -1])
def test_a_truncated_archive_gives_its_lines_first(tmp_path: Path, end: int) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"line\n" * 3)[:end])
    found: list[bytes | None] = []
    with pytest.raises(ConfigError, match=r"a\.gz:3: cannot be read any further"):
        for _, line in lines_of(path, 100):
            found.append(line)
    assert found == [b"line\n"] * 3


@pytest.mark.parametrize("content", [b"no archive", b"\x1f\x8b\x08\x00" + b"\xff" * 40])
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    for path in (tmp_path / "a.gz", tmp_path / "gone"):
        with pytest.raises(ConfigError, match=path.name):
            list(lines_of(path, 100))
