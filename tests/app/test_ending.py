from __future__ import annotations

import os
import signal

import pytest

from revproxy.app.ending import ending_in_order


def test_sigterm_lets_the_work_be_undone():
    before, undone = signal.getsignal(signal.SIGTERM), []
    with pytest.raises(SystemExit) as caught, ending_in_order():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            undone.append(True)
    assert (caught.value.code, undone) == (143, [True])
    assert signal.getsignal(signal.SIGTERM) is before
