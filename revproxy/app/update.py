"""What the supervisor's timer starts: `python -m revproxy.app.update FILE`. Not for people.

One look at every feed of a configuration, in a process of its own; what comes of it is in the log and the history.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from revproxy.app.supply import Outcome, Supply
from revproxy.config.load import load
from revproxy.errors import BusyError, RevproxyError
from revproxy.runtime.messages import configure

_log = logging.getLogger("revproxy.updates")


def main(arguments: Sequence[str]) -> int:
    """Update; 0 where nothing was refused, and where somebody else is at it."""
    configure("info", "update")
    try:
        settings = load(arguments[0]).settings
        configure(settings.logs.level, "update")
        return _told(Supply(arguments[0], settings).update(asked=False))
    except BusyError as error:
        _log.info("no update now: %s", error)
        return 0
    except RevproxyError as error:
        _log.error("no update: %s", error)
        return 1


def _told(outcomes: Sequence[Outcome]) -> int:
    """Say what changed and what was refused; the exit code."""
    for one in outcomes:
        level = logging.DEBUG if one.word in ("unchanged", "pinned") else logging.INFO if one.good else logging.ERROR
        _log.log(level, "%s", one)
    return 0 if all(one.good for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
