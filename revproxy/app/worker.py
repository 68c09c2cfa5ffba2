"""What the supervisor starts: `python -m revproxy.app.worker N`, N being its channel's descriptor. Not for people."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from revproxy.app.build import build
from revproxy.runtime.worker import run_worker


def main(arguments: Sequence[str]) -> int:
    """Be a worker; the exit code."""
    return run_worker(build, int(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
