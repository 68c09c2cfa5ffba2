"""What the supervisor starts: `python -m revproxy.app.update FILE`, by its timer; with `--settle` when a staged set
is to be promoted or held. Not for people.

One look at every feed of a configuration, or what was decided, carried out, in a process of its own; what comes of it
is in the log and the history.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Final

from revproxy.app.order import SETTLE
from revproxy.app.staging import StagedSupply
from revproxy.app.supply import Outcome
from revproxy.config.loading import load
from revproxy.errors import BusyError, RevproxyError
from revproxy.runtime.messages import configure

_log = logging.getLogger("revproxy.updates")
_LEVELS: Final = {
    "unchanged": logging.DEBUG,
    "pinned": logging.DEBUG,
    "held": logging.WARNING,
    "refused": logging.ERROR,
}
"""Of what came of it, by its word; of others INFO."""


def main(arguments: Sequence[str]) -> int:
    """Update, or settle; 0 where nothing was refused, and where somebody else is at an update: a look is left to the
    next time then, what was decided waits."""
    configure("info", "update")
    try:
        settings = load(arguments[0]).settings
        configure(settings.logs.level, "update")
        supply = StagedSupply(arguments[0], settings)
        if SETTLE in arguments:
            outcome = supply.settle()
            return _told([outcome] if outcome is not None else [])
        return _told(supply.update(asked=False))
    except SystemExit:
        _log.warning("no update: it was ended before it was done")
        raise
    except BusyError as error:
        _log.info("no update now: %s", error)
        return 0
    except RevproxyError as error:
        _log.error("no update: %s", error)
        return 1


def _told(outcomes: Sequence[Outcome]) -> int:
    """Say what changed and what was refused; the exit code."""
    for one in outcomes:
        _log.log(_LEVELS.get(one.word, logging.INFO), "%s", one)
    return 0 if all(one.good for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
