from __future__ import annotations

import ctypes
import subprocess
import sys
from types import SimpleNamespace

from revproxy.runtime.allocator import settle

_SCRIPT = """
from revproxy.runtime.allocator import settle
assert settle()
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
before = resident()
# Each one freed would raise the size from which the next is mapped; small things lie between.
for size in range(1, 30):
    held = [bytes(size << 20) for _ in range(3)]
    kept = [bytes(1000) for _ in range(3)]
    del held
assert resident() - before < 8 << 20, resident() - before
"""


def test_what_is_freed_goes_back():
    subprocess.run([sys.executable, "-c", _SCRIPT], check=True)


def test_another_library_has_nothing_to_settle(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    assert not settle()
