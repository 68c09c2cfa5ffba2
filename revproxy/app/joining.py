"""Linking a staged set with all else that is in force: `python -m revproxy.app.joining PARENT`, not for people.

A trial has done that already, unless the set of another feed came into force since. It takes what a trial takes, and
the set is still nobody's but its publisher's: so it has a trial's bounds, and what comes of it is left in the cache,
where whoever waits finds it.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from revproxy.app.bounds import answer, tied
from revproxy.app.linking import kept_rules, linked_rules
from revproxy.app.order import Order
from revproxy.app.supplied import with_feeds
from revproxy.config import Settings, nowhere
from revproxy.errors import LocatedError, ManyErrors, SupplyError


def join(order: Order, settings: Settings) -> Mapping[str, Any]:
    """Link the set of the order in the place of its feed. Raises SupplyError."""
    try:
        whole = with_feeds(settings, nowhere, {order.feed: order.folder})
        return {"ruleset": linked_rules(whole, before=partial(kept_rules, settings)).rules.name}
    except (LocatedError, ManyErrors) as error:
        raise SupplyError("configuration", str(error)) from error


def main(data: bytes) -> int:
    """Link what the pickle of an order and settings says, which comes from whoever started us; the exit code."""
    order, settings = pickle.loads(data)
    return answer(order, lambda: join(order, settings))


if __name__ == "__main__":
    tied(int(sys.argv[1]))
    sys.exit(main(sys.stdin.buffer.read()))
