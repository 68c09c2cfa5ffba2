"""Whether anything has changed of what a rule set was made of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from revproxy.app import inputs as module
from revproxy.app.inputs import Inputs, Witness, inputs_of, surroundings


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    (tmp_path / "a.conf").write_bytes(b"one")
    made = Witness()
    assert made.read(str(tmp_path / "a.conf")) == b"one"
    assert made.glob(str(tmp_path / "*.conf")) == [str(tmp_path / "a.conf")]
    with pytest.raises(FileNotFoundError):
        made.read(str(tmp_path / "none"))
    return made


def test_they_hold_until_something_changes(witness: Witness, tmp_path: Path) -> None:
    inputs = witness.inputs()
    assert inputs.hold()
    (tmp_path / "other").write_bytes(b"")
    assert inputs.hold()


def test_another_text_of_the_same_size_and_time_is_noticed(witness: Witness, tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    before = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert not witness.inputs().hold()


@pytest.mark.parametrize("name", ["b.conf", "none"])
def test_a_file_that_came_is_noticed(witness: Witness, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert not witness.inputs().hold()


def test_a_file_that_went_is_noticed(witness: Witness, tmp_path: Path) -> None:
    (tmp_path / "a.conf").unlink()
    assert not witness.inputs().hold()


def test_as_text_and_back(witness: Witness) -> None:
    inputs = witness.inputs()
    assert inputs_of(inputs.text()) == inputs


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": 1, "patterns": {}}', '{"files": {}}'])
def test_what_is_no_such_text_is_none(text: str) -> None:
    assert inputs_of(text) is None


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_BYTES", 2)
    (tmp_path / "a").write_bytes(b"abc")
    with pytest.raises(OSError, match="larger than 2 bytes"):
        Witness().read(str(tmp_path / "a"))


@pytest.fixture
def fresh():
    """Surroundings are worked out anew."""
    surroundings.cache_clear()
    yield
    surroundings.cache_clear()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_version", lambda library: "1"),
        ("_processor", lambda: "another"),
        ("_ROOMS", ("model",)),
    ],
)
def test_surroundings_are_libraries_processor_and_program(
    name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = surroundings()
    surroundings.cache_clear()
    assert surroundings() == before
    surroundings.cache_clear()
    monkeypatch.setattr(module, name, value)
    assert surroundings() != before


def test_every_library_that_decides_is_known() -> None:
    assert all(module._version(library) for library in module._LIBRARIES)
    assert module._version("no such library") == ""


def test_nothing_was_read() -> None:
    assert Inputs({}, {}).hold()
