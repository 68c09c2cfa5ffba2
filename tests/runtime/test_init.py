"""The room's names: loaded when they are asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from revproxy import runtime


def test_every_name_is_there():
    for name in runtime.__all__:
        assert getattr(runtime, name).__class__ is not None
    assert sorted(name for names in runtime._PLACES.values() for name in names) == sorted(runtime.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = runtime.nothing


def test_who_only_asks_loads_no_supervisor():
    code = "import sys, revproxy.runtime.asking; print('revproxy.runtime.supervisor' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"
