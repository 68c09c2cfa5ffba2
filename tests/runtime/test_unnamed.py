"""Files without a name, from one process to another."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.errors import PeerClosed
from revproxy.runtime.unnamed import Stored, as_file


@given(st.dictionaries(st.text(), st.binary(max_size=100), min_size=1))
def test_parts_come_back(parts: dict[str, bytes]) -> None:
    sizes = [(name, len(part)) for name, part in parts.items()]
    with as_file(parts.values()) as number:
        for _ in range(2):
            stored = Stored(os.dup(number), sizes)
            assert dict(stored.popitem() for _ in sizes) == parts
        assert os.read(number, 9999) == b"".join(parts.values())


def test_it_is_closed_when_the_last_part_was_taken() -> None:
    with as_file([b"hay", b"straw"]) as number:
        own = os.dup(number)
        stored = Stored(own, [("a", 3), ("b", 5)])
        stored["c"] = b"more"
        assert (len(stored), stored["b"]) == (3, b"straw")
        assert {stored.popitem() for _ in range(3)} == {("a", b"hay"), ("b", b"straw"), ("c", b"more")}
        assert not stored
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(own)


def test_what_is_given_to_a_process_cannot_be_changed_by_it() -> None:
    with as_file([b"rules"]) as number:
        code = (
            "import os, sys\n"
            "for number in (int(sys.argv[1]), os.open(f'/proc/self/fd/{sys.argv[1]}', os.O_RDWR)):\n"
            "    for change in (lambda: os.pwrite(number, b'x', 0), lambda: os.ftruncate(number, 0)):\n"
            "        try:\n"
            "            change()\n"
            "        except PermissionError:\n"
            "            print('no', end=' ')\n"
        )
        command = [sys.executable, "-c", code, str(number)]
        done = subprocess.run(command, pass_fds=[number], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout == "no no no no "
        with pytest.raises(PermissionError):
            mmap.mmap(number, 5)
        assert Stored(os.dup(number), [("a", 5)]).popitem() == ("a", b"rules")


def test_a_file_that_is_too_short() -> None:
    with as_file([b"four"]) as number:
        own = os.dup(number)
        with pytest.raises(PeerClosed):
            Stored(own, [("a", 2), ("b", 3)])
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(own)


def test_it_is_closed_in_any_case() -> None:
    with pytest.raises(RuntimeError, match="enough"), as_file([b"a"]) as number:
        raise RuntimeError("enough")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
