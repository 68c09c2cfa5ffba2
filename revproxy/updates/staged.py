"""A set that stood its trial and is not in force yet: it waits for what live traffic says, or was held for that.

    FOLDER/NAME/staged.json

Written by whoever has the feeds' lock. There is one for each feed at most; a newer set takes its place. Which of
several feeds' sets runs in shadow is decided here: one at a time, so that what is found is that one's.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from revproxy.errors import ConfigError, Location, SupplyError
from revproxy.updates.feeds import STAGED, Feed, Feeds
from revproxy.updates.files import write_whole


@dataclass(frozen=True, slots=True)
class Staged:
    """What is known of it."""

    content: str
    """The hash of the set."""
    archive: str
    """The SHA-256 of the archive that it came in."""
    number: int
    text: str
    """What it calls itself."""
    since: str
    """When it was staged."""
    tried: str = ""
    """What came of its trial."""
    held: str = ""
    """Why it is not promoted; "" while it waits."""
    report: Mapping[str, Any] = field(default_factory=dict)
    """What both sets said (`inspection.staging.Report`), once that was decided."""


def staged_of(feed: Feed) -> Staged | None:
    """Raises ConfigError for one that is broken."""
    path = feed.folder / STAGED
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"cannot be read: {error}", Location(str(path)), hint=_hint(feed)) from None
    types = {
        one.name: dict if one.name == "report" else int if one.name == "number" else str for one in fields(Staged)
    }
    if not isinstance(found, dict) or {name: type(value) for name, value in found.items()} != types:
        raise ConfigError("this is not what was written there", Location(str(path)), hint=_hint(feed))
    return Staged(**found)


def _hint(feed: Feed) -> str:
    return f"`revproxy signatures reject {feed.name}` forgets it"


def put_staged(feed: Feed, staged: Staged) -> None:
    """Write it down. Raises SupplyError."""
    try:
        write_whole(feed.folder / STAGED, json.dumps(asdict(staged), indent=1).encode() + b"\n")
    except OSError as error:
        raise SupplyError("disk", f"{feed.folder}: cannot be written: {error.strerror}") from None


def drop_staged(feed: Feed) -> None:
    """There is none any more. Raises SupplyError."""
    try:
        (feed.folder / STAGED).unlink(missing_ok=True)
    except OSError as error:
        raise SupplyError("disk", f"{feed.folder}: cannot be written: {error.strerror}") from None


def under_way(feeds: Feeds, used: Collection[str]) -> tuple[Feed, Staged] | None:
    """The set that waits for longest, of a feed that is used and not pinned. Raises ConfigError."""
    waiting = []
    for name in feeds.names():
        feed = feeds.find(name)
        staged = staged_of(feed)
        if name in used and staged is not None and not staged.held and not feed.memory.pinned:
            waiting.append((staged.since, name, feed, staged))
    return min(waiting)[2:] if waiting else None
