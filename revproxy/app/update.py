"""What the supervisor's timer starts: `python -m revproxy.app.update FILE`. Not for people.

One look at every feed of a configuration, in a process of its own; what comes of it is in the log and the history.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from revproxy.app.supply import Supply
from revproxy.config.load import load
from revproxy.errors import RevproxyError
from revproxy.runtime.messages import configure


def main(arguments: Sequence[str]) -> int:
    """Update; 0 where nothing was refused."""
    configure("info", "update")
    try:
        settings = load(arguments[0]).settings
        configure(settings.logs.level, "update")
        return 0 if all(one.good for one in Supply(arguments[0], settings).update(asked=False)) else 1
    except RevproxyError as error:
        logging.getLogger("revproxy.updates").error("no update: %s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
