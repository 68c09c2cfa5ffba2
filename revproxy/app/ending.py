"""Being told to end in the midst of a change: what is half done is undone first.

SIGTERM then is what Ctrl-C is, an exception on its way out of the work. SIGKILL is nothing that can be heeded here.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

ENDED: Final = 128 + signal.SIGTERM
"""The exit code of what SIGTERM has ended."""


@contextmanager
def ending_in_order() -> Iterator[None]:
    """SIGTERM raises SystemExit (143) within, as SIGINT raises KeyboardInterrupt. For the main thread."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(ENDED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
