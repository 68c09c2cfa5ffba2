"""In a process of its own: bounds cannot be taken back."""

from __future__ import annotations

import resource
import subprocess
import sys


def test_bounds() -> None:
    code = (
        "import resource; from revproxy.app.bounds import bound; bound(3 * 2**30, 77);"
        "print(resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"{(3 * 2**30, 3 * 2**30)} {(77, 77)}\n"
    assert resource.getrlimit(resource.RLIMIT_CPU)[0] == resource.RLIM_INFINITY
