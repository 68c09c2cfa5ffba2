"""The set of a feed whose turn it is to run in shadow, prepared as if it were in force. For the supervisor.

It is found as its trial, or else a process with a trial's bounds (`joining`), has linked it: nothing that a publisher
wrote is read or linked here. What is staged is told by the feeds' folder; what judges by it is `shadowing`'s, what
becomes of it `staging`'s.
"""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryDirectory

from revproxy.app.kept import Linked
from revproxy.app.linking import kept
from revproxy.app.order import Order
from revproxy.app.prepared import Prepared
from revproxy.app.supplied import feeds_used
from revproxy.app.trying import joined
from revproxy.config import Settings
from revproxy.errors import SupplyError
from revproxy.runtime.parts import Staged
from revproxy.updates.feeds import Feeds
from revproxy.updates.staged import under_way


def staged_now(settings: Settings) -> Staged | None:
    """The set whose turn it is to run in shadow; None where there is none. Raises ConfigError."""
    if not settings.feeds.staging.enabled:
        return None
    found = under_way(Feeds(settings.feeds.folder), feeds_used(settings))
    if found is None:
        return None
    feed, staged = found
    return Staged(
        f"{feed.name}:{staged.content}",
        lambda: _prepared(settings, feed.name, str(feed.sets.check(staged.content))),
    )


def _prepared(settings: Settings, feed: str, folder: str) -> Prepared:
    """Raises LocatedError, ManyErrors, SupplyError."""
    linked = kept(settings, instead={feed: folder}) or _joined(settings, feed, folder)
    return Prepared(settings, linked.rules, linked.excluded, linked.notices)


def _joined(settings: Settings, feed: str, folder: str) -> Linked:
    """Raises SupplyError."""
    try:
        with TemporaryDirectory() as beside:
            # A cache that cannot be used costs time, as everywhere, and nothing else.
            for cache in (settings.cache, beside):
                if (found := _joined_in(cache, settings, feed, folder)) is not None:
                    return found
    except OSError as error:
        raise SupplyError("disk", f"no process could be started, or no folder made: {error}") from error
    raise SupplyError("configuration", "what was linked of it was not kept: its files, or those of others, change")


def _joined_in(cache: str, settings: Settings, feed: str, folder: str) -> Linked | None:
    """Raises SupplyError, OSError."""
    limits, here = settings.limits.supply, replace(settings, cache=cache)
    order = Order("", feed, "", folder, limits.trial_memory_bytes, limits.trial_cpu_seconds)
    joined(order, here, limits.trial_seconds)
    return kept(here, instead={feed: folder})
