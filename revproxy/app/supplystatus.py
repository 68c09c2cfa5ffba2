"""What there is to know of the feeds of a configuration, for people and programs.

What is in force on disk is not always what workers have: an update that was killed between the two leaves them with
the set before until the next one, or a reload. The front end that runs is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

from revproxy.app.running import running_sets, running_shadow
from revproxy.app.staging import change_line
from revproxy.app.supplied import feeds_used, missing
from revproxy.app.supply import unpin
from revproxy.config import Settings
from revproxy.config.settings import FEED
from revproxy.errors import ConfigError, SupplyError
from revproxy.updates.feeds import Feed, Feeds
from revproxy.updates.staged import staged_of

_SHOWN_CHANGES: Final = 10
_SHOWN = 16
"""Of a hash."""


def status_of(settings: Settings) -> dict[str, Any]:
    """All of it; of a feed that is broken on disk its name and what is wrong. Raises ConfigError for the folder."""
    feeds = Feeds(settings.feeds.folder)
    used, running = feeds_used(settings), running_sets(settings.control.path)
    return {
        "every_seconds": settings.feeds.every,
        "feeds": [_told(feeds.find(name), name in used, running) for name in feeds.names()],
        "missing": missing(settings),
        "history": feeds.history(),
        "shadow": running_shadow(settings.control.path),
    }


def _told(feed: Feed, used: bool, running: Mapping[str, str]) -> dict[str, Any]:
    try:
        return {**_feed(feed, used), "running": _had(feed, running.get(feed.name, ""))}
    except ConfigError as error:
        return {"name": feed.name, "used": used, "error": str(error)}


def _feed(feed: Feed, used: bool) -> dict[str, Any]:
    source, memory = feed.source, feed.memory
    return {
        "name": feed.name,
        "url": source.url,
        "role": source.role,
        "used": used,
        "current": _set(feed, feed.sets.current),
        "previous": _set(feed, feed.sets.previous),
        "pinned": memory.pinned,
        "looked": memory.looked,
        "refused": memory.reason if memory.refused and memory.offered in ("", memory.refused) else "",
        "staged": asdict(staged) if (staged := staged_of(feed)) is not None else None,
        "versions": dict(memory.versions),
    }


def _set(feed: Feed, content: str) -> dict[str, Any] | None:
    with suppress(SupplyError):
        manifest = feed.sets.manifest(content) if content else None
        if manifest is not None:
            return {"version": manifest.version, "number": manifest.number, "content": content, "text": str(manifest)}
    return None


def _had(feed: Feed, content: str) -> dict[str, Any] | None:
    """What workers have, whether it is still on disk or not."""
    lost = {"content": content, "text": f"{content[:_SHOWN]}, which is not on disk any more"}
    return (_set(feed, content) or lost) if content else None


def _behind(feed: Mapping[str, Any]) -> bool:
    """Whether workers have another set than the one that is in force on disk."""
    running, current = feed["running"], feed["current"]
    return running is not None and current is not None and running["content"] != current["content"]


def lines(told: Mapping[str, Any], last: int) -> Iterator[str]:
    """The same as text, with so many of the last things that happened."""
    every = told["every_seconds"]
    yield f"looks for newer sets every {every:g} s" if every else "looks for newer sets only when told to"
    for feed in told["feeds"]:
        yield from _feed_lines(feed)
        if feed.get("staged"):
            yield from _staged_lines(feed, told["shadow"])
    for name, remedy in told["missing"].items():
        yield f"MISSING: the configuration names {FEED}{name}, of which there is no set: {remedy}"
    if not told["feeds"] and not told["missing"]:
        yield "no feeds: revproxy signatures add"
    for record in told["history"][-last:]:
        time, feed, outcome, text = (record.get(key, "?") for key in ("time", "feed", "outcome", "text"))
        yield f"{time} {feed}: {outcome}: {text}"


def _staged_lines(feed: Mapping[str, Any], shadow: Mapping[str, Any]) -> Iterator[str]:
    name, staged = feed["name"], feed["staged"]
    yield f"  staged: {staged['text']}, since {staged['since']}"
    live = shadow if shadow.get("name") == f"{name}:{staged['content']}" else {}
    report = live.get("report") or staged["report"]
    if staged["held"]:
        yield f"    held: {staged['held']}"
    elif live:
        left = f"at most {live['seconds_left']:g} s left" if not live["decision"] else live["decision"]
        yield f"    in shadow for {live['seconds']:g} s, {left}: {live['why']}"
    elif feed["pinned"]:
        yield f"    waits, for the feed is pinned; {unpin(name)}"
    else:
        yield "    waits: it does not run in shadow now"
    if report:
        yield f"    not judged: {report['skipped']} not chosen or no time, {report['dropped']} too large or too many"
        yield from (f"    new: {change_line(one)}" for one in report["changes"][:_SHOWN_CHANGES])
    if staged["held"] or live:
        yield f"    `signatures promote {name}` puts it in force, `signatures reject {name}` forgets it"


def _feed_lines(feed: Mapping[str, Any]) -> Iterator[str]:
    if "error" in feed:
        yield f"{feed['name']}: {feed['error']}"
        return
    words = [word for word, true in (("pinned", feed["pinned"]), ("not used", not feed["used"])) if true]
    said = f" ({', '.join(words)})" if words else ""
    yield f"{feed['name']}{said}: {feed['url']} {feed['role']}".rstrip()
    for key, what in (("current", "in force"), ("previous", "before it")):
        yield f"  {what}: {feed[key]['text'] if feed[key] else 'nothing'}"
    if _behind(feed):
        yield f"  WORKERS HAVE ANOTHER ONE: {feed['running']['text']}; `revproxy reload` gives them the one in force"
    yield from (f"  looked: {feed['looked']}",) if feed["looked"] else ()
    told = feed["refused"] and not (feed.get("staged") or {}).get("held")
    yield from (f"  refused: {feed['refused']}",) if told else ()
