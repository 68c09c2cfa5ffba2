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
from revproxy.runtime.unnamed import as_file, read_parts


@given(st.lists(st.binary(max_size=100)))
def test_parts_come_back(parts: list[bytes]) -> None:
    sizes = [len(part) for part in parts]
    with as_file(parts) as number:
        for _ in range(2):
            assert read_parts(os.dup(number), sizes) == parts
        assert os.read(number, 9999) == b"".join(parts)


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
        assert read_parts(os.dup(number), [5]) == [b"rules"]


def test_a_file_that_is_too_short() -> None:
    with as_file([b"four"]) as number, pytest.raises(PeerClosed):
        read_parts(os.dup(number), [2, 3])


def test_it_is_closed_in_any_case() -> None:
    with pytest.raises(RuntimeError, match="enough"), as_file([b"a"]) as number:
        raise RuntimeError("enough")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
