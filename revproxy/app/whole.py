"""What the supervisor starts after an update: `python -m revproxy.app.whole FILE`. Not for people.

An update links onto the set before what has changed (`detection.link.onto`), which takes no time, but leaves more to
scan. Here the rules that are in force now are linked anew, all together, with the bounds of a trial and after
everything else on the machine; the supervisor is then asked to put the result in their place. They are the same
rules under the same name: no verdict changes.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from revproxy.app.bounds import bound
from revproxy.app.linking import linked_rules
from revproxy.config import Settings
from revproxy.config.loading import load
from revproxy.errors import PeerError, RevproxyError
from revproxy.runtime.allocator import settle
from revproxy.runtime.asking import ask
from revproxy.runtime.messages import configure

_log = logging.getLogger("revproxy.whole")
NICE = 10
"""Traffic goes first: until this is done, it is only inspected a little more slowly."""
_SWAP_SECONDS = 600.0


def main(arguments: Sequence[str]) -> int:
    """Link and have it put in force; 0 where that is done, or was not needed any more."""
    configure("info", "whole")
    settle()
    os.nice(NICE)
    try:
        loaded = load(arguments[0])
        configure(loaded.settings.logs.level, "whole")
        limits = loaded.settings.limits.supply
        bound(limits.trial_memory_bytes, limits.trial_cpu_seconds)
        linked_rules(loaded.settings, loaded.blame, whole=True)
        return _swapped(loaded.settings)
    except (RevproxyError, MemoryError) as error:
        _log.error("not linked anew: %s", error or "out of memory")
        return 1


def _swapped(settings: Settings) -> int:
    """Have the supervisor take what is kept now. Raises PeerError."""
    answer = ask(settings.control.path, "swap", _SWAP_SECONDS)
    if not answer["ok"]:
        raise PeerError(answer["error"])
    _log.debug("rule set %s is of one piece", answer["result"]["ruleset"])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
