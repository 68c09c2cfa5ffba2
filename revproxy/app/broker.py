"""What the supervisor starts: `python -m revproxy.app.broker N`, N being its control socket's descriptor. Not for
people."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from revproxy.runtime.broker import run_broker


def main(arguments: Sequence[str]) -> int:
    """Be a broker; the exit code."""
    return run_broker(int(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
