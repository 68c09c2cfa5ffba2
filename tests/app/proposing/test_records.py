"""Reading audit records: what counts, and what is noted of lines that are none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from revproxy.app.proposing import records
from revproxy.app.proposing.records import LINE_BYTES, read_denials
from revproxy.audit import encode_finding, encode_http_access, frame_of
from revproxy.model import ALLOWED, Action, Finding, Phase, Severity, Verdict

DENY = Verdict(Action.DENY, 5, "score")


def line(verdict: Verdict = DENY, at: float = 100.0, **changes: Any) -> bytes:
    finding = Finding("one", Phase.BODY, Severity.ERROR, 5, "an attack", "args", b"q", b"' or 1=1")
    made = encode_finding(
        finding,
        frame_of(
            id="T1",
            ts=at,
            route="shop",
            verdict=verdict,
            ruleset="r",
            client="192.0.2.9",
            method=b"GET",
            host=b"shop.example",
            target=b"/search?password=hunter2",
        ),
    )
    return json.dumps({**json.loads(made), **changes}).encode()


ACCESS = encode_http_access(
    ts=1.0,
    id="T1",
    client="192.0.2.9",
    listener="web",
    host=b"a",
    method=b"GET",
    target=b"/",
    status=200,
    bytes_in=0,
    bytes_out=0,
    seconds=0.0,
)


def write(folder: Path, *lines: bytes, name: str = "audit.jsonl") -> Path:
    data = b"".join(one + b"\n" for one in lines)
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["audit.jsonl", "audit.jsonl.gz"])
def test_denials(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, line(), ACCESS, line(ALLOWED), line(Verdict(Action.DROP, 5, "one", False)), name=name)
    read = read_denials([path])
    assert (read.records, len(read.found), read.wrong.total()) == (4, 2, 0)
    one = read.found[0]
    assert (one.id, one.at, one.client, one.route, one.rule) == ("T1", 100.0, "192.0.2.9", "shop", "one")
    assert (one.field, one.key, one.excerpt, one.severity, one.score) == ("args", "q", "' or 1=1", Severity.ERROR, 5)
    assert (one.method, one.host, one.target) == ("GET", "shop.example", "/search?password=[redacted]")
    assert read.found[1].reason == "one"


def test_since(tmp_path: Path) -> None:
    path = write(tmp_path, line(at=99.0), line(at=100.0), line(at=101.0))
    assert [one.at for one in read_denials([path], 100.0).found] == [100.0, 101.0]


BAD = {
    "no JSON": b"nothing",
    "no object": b"[]",
    "no text": b"\xff\xfe",
    "far too deep": b"[" * 60_000,
    "no type": b'{"id": "T1"}',
    "cut off": line()[:-5],
    "another kind": b'{"type": "event"}',
    "a newer version": line(version=2),
    "no version": line(version="x"),
    "no time": line(ts="yesterday"),
    "a number for a word": line(route=7),
    "a word for a number": line(score="5"),
    "a truth for a number": line(score=True),
    "no field": json.dumps({k: v for k, v in json.loads(line()).items() if k != "field"}).encode(),
    "too long": line(excerpt="x" * LINE_BYTES),
}


@pytest.mark.parametrize("name", BAD)
def test_a_line_that_is_none_is_named_and_counted(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, line(), BAD[name], line())
    read = read_denials([path])
    assert (len(read.found), read.wrong.total()) == (2, 1)
    (noted,) = read.noted
    assert str(noted).startswith(f"{path}:2: ")


def test_a_newer_record_is_called_that(tmp_path: Path) -> None:
    (why,) = read_denials([write(tmp_path, line(version=2))]).wrong
    assert why == "a record of a newer version"


def test_a_truncated_archive_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path, *[line()] * 3, name="a.gz")
    path.write_bytes(path.read_bytes()[:-9])
    read = read_denials([path, tmp_path / "gone", write(tmp_path, line())])
    assert len(read.found) == 4
    assert [error.where.file for error in read.noted] == [str(path), str(tmp_path / "gone")]


def test_records_of_before_have_no_target(tmp_path: Path) -> None:
    old = {key: value for key, value in json.loads(line()).items() if key not in ("method", "host", "target")}
    (one,) = read_denials([write(tmp_path, json.dumps(old).encode())]).found
    assert (one.method, one.host, one.target) == ("", "", "")


def test_half_a_surrogate_pair_is_no_text(tmp_path: Path) -> None:
    path = write(tmp_path, line(key="\ud800", target="/\udc80\u00e4"))
    (one,) = read_denials([path]).found
    assert (one.key, one.target) == ("?", "/?\u00e4")


def test_what_is_kept_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST_DENIALS", 2)
    read = read_denials([write(tmp_path, *[line()] * 5, *[b"bad"] * 50)])
    assert (len(read.found), read.beyond) == (2, 3)
    assert (len(read.noted), read.wrong.total()) == (records.NOTED, 50)
    (one,) = read_denials([write(tmp_path, line(key="k" * 9_999, target="/" * 9_999))]).found
    assert (len(one.key), len(one.target)) == (512, 512)
