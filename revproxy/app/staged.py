"""The set of a feed whose turn it is to run in shadow, prepared as if it were in force. For the supervisor.

What is staged is told by the feeds' folder; what judges by it is `shadowing`'s, what becomes of it `staging`'s.
"""

from __future__ import annotations

from functools import partial

from revproxy.app.linking import kept_rules, linked_rules
from revproxy.app.prepared import Prepared
from revproxy.app.supplied import feeds_used, with_feeds
from revproxy.config import Settings, nowhere
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
    """Raises LocatedError, ManyErrors."""
    # Found as it was tried, but where another feed's set came into force since: then linked onto what is in force.
    linked = linked_rules(with_feeds(settings, nowhere, {feed: folder}), before=partial(kept_rules, settings))
    return Prepared(settings, linked.rules, linked.excluded, linked.notices)
