"""The room's names: loaded when they are asked for."""

from __future__ import annotations

import subprocess
import sys


def test_who_only_asks_loads_no_supervisor():
    code = "import sys, revproxy.runtime.asking; print('revproxy.runtime.supervisor' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"
