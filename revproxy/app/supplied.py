"""`feed:NAME` in a configuration: the set that is in force of that feed now.

Settings keep the name; whoever reads rules asks here which folder it means at that moment, once, so that all files of
a set are of one set even while the next one comes into force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from revproxy.config import Blame, Settings
from revproxy.config.settings import FEED
from revproxy.errors import ConfigError, LocatedError, SupplyError, attempt, together
from revproxy.updates.feeds import Feeds, Source
from revproxy.updates.manifest import Kind

CRS: Final = "crs"
"""The feed that releases of OWASP CRS are brought as."""
KEYS: Mapping[Kind, str] = {Kind.SIGNATURES: "signatures", Kind.SECLANG: "rules"}
"""Where in `inspection` a set of each kind belongs."""


def with_feeds(settings: Settings, blame: Blame, instead: Mapping[str, str] | None = None) -> Settings:
    """The settings with folders in the place of feeds; `instead` has those of feeds whose set is not in force yet.

    Raises ConfigError for a feed that has nothing in force, ManyErrors for several.
    """
    finder = _Finder(settings, blame, instead or {})
    inspection = replace(
        settings.inspection,
        signatures=finder.folders(settings.inspection.signatures, Kind.SIGNATURES),
        rules=finder.folders(settings.inspection.rules, Kind.SECLANG),
    )
    if finder.wrong:
        raise together(finder.wrong)
    return replace(settings, inspection=inspection)


def sets_of(settings: Settings, found: Settings) -> dict[str, str]:
    """The hashes of the sets that `with_feeds` found for these settings, by feed."""
    named = (*settings.inspection.signatures, *settings.inspection.rules)
    folders = (*found.inspection.signatures, *found.inspection.rules)
    pairs = zip(named, folders, strict=True)
    return {word.removeprefix(FEED): Path(path).parent.name for word, path in pairs if word.startswith(FEED)}


def feeds_used(settings: Settings) -> list[str]:
    """The feeds that a configuration names."""
    words = (*settings.inspection.signatures, *settings.inspection.rules)
    return [word.removeprefix(FEED) for word in words if word.startswith(FEED)]


def missing(settings: Settings, but: str = "") -> dict[str, str]:
    """The feeds that a configuration names, `but` this one, of which no set can be used; with what brings one each.

    Raises ConfigError where this user may not look.
    """
    feeds = Feeds(settings.feeds.folder)
    used, added = dict.fromkeys(name for name in feeds_used(settings) if name != but), feeds.names()
    return {name: _remedy(feeds, name) for name in used if name not in added or not feeds.find(name).sets.usable}


def _remedy(feeds: Feeds, name: str) -> str:
    """The command that brings a set of this feed."""
    source, added = Source(""), name in feeds.names()
    with suppress(ConfigError):
        source = feeds.find(name).source if added else source
    if source.role:
        return f"`revproxy signatures update {name}` fetches one"
    release = "`revproxy signatures add crs PLACE --key FILE` brings a release of CRS"
    if source.url:
        return release
    again = " --again" if added else ""
    adds = f"`revproxy signatures add ADDRESS --root FILE --name {name}{again}` adds it"
    return f"{adds}; {release}" if name == CRS else adds


class _Finder:
    def __init__(self, settings: Settings, blame: Blame, instead: Mapping[str, str]) -> None:
        self._feeds, self._blame, self._instead = Feeds(settings.feeds.folder), blame, instead
        self.wrong: list[LocatedError] = []
        """What is, of all feeds: one who adds them wants to know all that are missing."""

    def folders(self, words: Sequence[str], kind: Kind) -> tuple[str, ...]:
        found = (
            attempt(self.wrong, partial(self._folder, word.removeprefix(FEED), kind, i))
            if word.startswith(FEED)
            else word
            for i, word in enumerate(words)
        )
        return tuple(word for word in found if word is not None)

    def _folder(self, name: str, kind: Kind, at: int) -> str:
        if name in self._instead:
            return self._instead[name]
        place = ("inspection", KEYS[kind], at)
        try:
            sets = self._feeds.find(name).sets
            content = sets.current
            if not content:
                raise SupplyError("feed", f"the feed {name!r} has no set in force")
            found = sets.manifest(content).kind
        except SupplyError as error:
            raise self._blame(error.reason, place, _remedy(self._feeds, name)) from None
        if found is not kind:
            raise self._blame(f"the feed {name!r} has {found}", place, f"it belongs to inspection.{KEYS[found]}")
        return str(sets.check(content))
