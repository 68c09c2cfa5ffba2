"""The list of expected failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from revproxy.app.ftw.known import known_failures
from revproxy.errors import ConfigError, ManyErrors

LISTED = Path(__file__).resolve().parents[2] / "data" / "ftw" / "known.yaml"


def write(folder: Path, text: str) -> Path:
    (folder / "known.yaml").write_text(text)
    return folder / "known.yaml"


def test_a_list(tmp_path: Path) -> None:
    file = write(
        tmp_path, "failures:\n  - {test: 1-2, why: a reason}\n  - test: 1-3\n    why: >-\n      of\n      two\n"
    )
    assert known_failures(file) == {"1-2": "a reason", "1-3": "of two"}
    assert known_failures(write(tmp_path, "failures: []")) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("failures: 5", "a list is expected"),
        ("failed: []", "unknown word"),
        ("failures: [{test: 1-2}]", "a `test` and a `why`"),
        ("failures: [{why: x}]", "a `test` and a `why`"),
        ("failures: [1-2]", "a mapping stands here"),
        ("failures: [{test: 1-2, why: a}, {test: 1-2, why: b}]", "stands twice"),
    ],
)
def test_bad_ones(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ManyErrors, match=words):
        known_failures(write(tmp_path, text))


def test_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        known_failures(tmp_path / "gone")


def test_the_one_of_this_project_is_good() -> None:
    assert all(known_failures(LISTED).values())
