"""Rule sets between starts: found as they were, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from revproxy.app.inputs import Witness
from revproxy.app.kept import KeptSets, Linked
from revproxy.app.rules import link_all, read_all
from revproxy.config import Settings, nowhere
from revproxy.detection.link import unheard

Make = Callable[..., Settings]
QUESTION = "0" * 32


def linked(settings: Settings, witness: Witness) -> Linked:
    return link_all(read_all(settings, nowhere, witness), settings.cache, unheard)


@pytest.fixture
def cache(settings: Make) -> Path:
    """A folder with one kept set."""
    made, witness = settings(), Witness()
    fresh = linked(made, witness)
    KeptSets(made.cache).keep(QUESTION, witness.inputs(), replace(fresh, notices=("a notice",)))
    return Path(made.cache)


def find(cache: Path) -> Linked | None:
    return KeptSets(str(cache)).find(QUESTION)


def the_file(cache: Path) -> Path:
    (file,) = cache.glob("rules-*")
    return file


def test_is_found_as_it_was(cache: Path, settings: Make) -> None:
    found = find(cache)
    assert found == replace(linked(settings(), Witness()), notices=("a notice",))
    assert found.rules.databases()


def test_another_question_has_no_answer(cache: Path) -> None:
    assert KeptSets(str(cache)).find("1" * 32) is None


def test_not_when_a_file_has_changed(cache: Path, settings: Make) -> None:
    file = Path(settings().inspection.signatures[0])
    before = file.read_text()
    file.write_text(before.replace("attack", "Attack"))
    assert find(cache) is None
    file.write_text(before)
    assert find(cache) is not None


def test_sets_of_several_contents_are_kept_beside_each_other(cache: Path, settings: Make) -> None:
    file = Path(settings().inspection.signatures[0])
    before = file.read_text()
    file.write_text(before.replace("attack-[0-9]", "assault"))
    witness = Witness()
    other = linked(settings(), witness)
    KeptSets(str(cache)).keep(QUESTION, witness.inputs(), other)
    assert find(cache) == other
    file.write_text(before)
    found = find(cache)
    assert found is not None
    assert found.rules.name != other.rules.name


def test_truncated_damaged_or_empty_files_are_not_there(cache: Path) -> None:
    file = the_file(cache)
    whole = file.read_bytes()
    damaged = [whole[:at] for at in range(0, len(whole), 97)]
    damaged += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 97)]
    for data in damaged:
        file.write_bytes(data)
        assert find(cache) is None
    file.write_bytes(whole)
    assert find(cache) is not None


def sealed(rest: bytes) -> bytes:
    return b"revproxy rules 1\n" + hashlib.sha256(rest).digest() + rest


class Bad:
    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.marker,)


def test_a_whole_file_with_something_else_in_it_is_not_there(cache: Path, tmp_path: Path) -> None:
    file = the_file(cache)
    line, _, packed = file.read_bytes()[len(sealed(b"")) :].partition(b"\n")
    head = json.loads(line)
    marker = tmp_path / "made"
    for rest in (
        b"",
        b"{}\n" + packed,
        b"[1]\n" + packed,
        b"\xff\n" + packed,
        json.dumps({**head, "inputs": "{}"}).encode() + b"\n" + packed,
        json.dumps({**head, "databases": {}}).encode() + b"\n" + packed,
        json.dumps({**head, "databases": {"none": ""}}).encode() + b"\n" + packed,
        json.dumps({**head, "notices": 1}).encode() + b"\n" + packed,
        line + b"\n",
        line + b"\n" + pickle.dumps(Bad(str(marker))),
        line + b"\n" + pickle.dumps({"no": "rule set"}),
    ):
        file.write_bytes(sealed(rest))
        assert find(cache) is None
    assert not marker.exists()
    file.write_bytes(sealed(line + b"\n" + packed))
    assert find(cache) is not None


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"", lambda data: data + b"x"])
def test_not_without_each_of_its_databases(cache: Path, change: Callable[[bytes], bytes]) -> None:
    for file in [path for path in cache.iterdir() if not path.name.startswith("rules-")]:
        whole = file.read_bytes()
        file.write_bytes(change(whole))
        assert find(cache) is None
        file.unlink()
        assert find(cache) is None
        file.write_bytes(whole)
        file.chmod(0o600)
    assert find(cache) is not None


def test_not_from_a_folder_that_others_may_write(cache: Path) -> None:
    cache.chmod(0o777)
    assert find(cache) is None
    cache.chmod(0o700)
    the_file(cache).chmod(0o666)
    assert find(cache) is None
