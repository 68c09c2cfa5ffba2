"""Updates that run in shadow on live traffic before they come into force.

    ... -> try -> staged on disk -> in shadow in the workers -> promoted (in force) | held

The line of `supply` with one step more. The supervisor counts and decides (`runtime.staging`); carrying that out is
`settle`, in a process that it starts. Invariants: a staged set comes into force by a decision on this very set or by
the operator's word, in no other way; contents that were held or rejected are not taken again by themselves, whatever
they are called by then; a feed has at most one staged set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from revproxy.app.linking import kept
from revproxy.app.supplied import feeds_used
from revproxy.app.supply import Outcome, Supply, Try, now
from revproxy.app.trying import tried
from revproxy.config import Settings
from revproxy.errors import ConfigError, PeerError, SupplyError, UseError
from revproxy.inspection.staging import Word
from revproxy.runtime.asking import ask
from revproxy.runtime.control import answered
from revproxy.updates.feeds import Feed
from revproxy.updates.manifest import Manifest
from revproxy.updates.staged import Staged, drop_staged, put_staged, staged_of

_STAGE_SECONDS: Final = 600.0
_ASK_SECONDS: Final = 10.0
_SHOWN: Final = 3
_REJECTED: Final = "the operator rejected it"
"""A word that asking for what is newest does not take back."""


class StagedSupply(Supply):
    """A supply whose sets are staged, where the configuration wants that."""

    def __init__(self, file: str, settings: Settings, try_set: Try = tried, *, at_once: bool = False) -> None:
        """`at_once`: somebody wants what comes to be in force now."""
        super().__init__(file, settings, try_set)
        self._at_once = at_once

    # ---- what an operator asks for

    def promote(self, name: str) -> Outcome:
        """Put the staged set in force now. Raises UseError where there is none, SupplyError, ConfigError."""
        feed = self.feeds.find(name)
        with self._alone():
            staged = _there(feed)
            self._unpinned(feed)
            return self._guarded(feed, lambda: self._promoted(feed, staged, "by the operator"))

    def reject(self, name: str) -> Outcome:
        """Never put the staged set in force by itself. Raises UseError where there is none, SupplyError."""
        feed = self.feeds.find(name)
        with self._alone():
            try:
                staged = _there(feed)
            except ConfigError:
                return self._dropped(feed, "what was written down of it was broken")
            unwanted = feed.memory.unwanting(staged.content, _REJECTED).unwanted
            feed.remember(refused=staged.archive, reason=_REJECTED, unwanted=unwanted)
            return self._dropped(feed, staged.text)

    def _dropped(self, feed: Feed, text: str) -> Outcome:
        drop_staged(feed)
        feed.sets.tidy()
        self._shown(feed)
        return self._noted(feed, "rejected", text, feed.sets.current)

    def pin(self, name: str, pinned: bool = True) -> Outcome:
        """As `Supply.pin`; a staged set waits until unpinned."""
        outcome = super().pin(name, pinned)
        self._shown(self.feeds.find(name))
        return outcome

    # ---- what the supervisor has decided

    def settle(self) -> Outcome | None:
        """Carry out what was decided on the set that is staged; None where nothing was. Raises SupplyError.

        An update that is under way is waited for, and what was decided is asked for only then: it may have put
        another set in force, or staged one.
        """
        with self._alone(wait=True):
            told = self._decided()
            name, _, content = told.get("name", "").partition(":")
            if not told.get("decision") or name not in self.feeds.names():
                return None
            feed = self.feeds.find(name)
            staged = staged_of(feed)
            if staged is None or staged.content != content or staged.held or feed.memory.pinned:
                return None
            if told["decision"] == Word.PROMOTE:
                return self._guarded(feed, lambda: self._promoted(feed, staged, told["why"]))
            return self._held(feed, staged, told["why"], told["report"])

    def _decided(self) -> Mapping[str, Any]:
        """What the front end that runs, if any, says of the set that runs in shadow. Raises SupplyError."""
        path = self._settings.control.path
        try:
            answer = ask(path, "staging", _ASK_SECONDS) if answered(path) else {}
        except PeerError as error:
            raise SupplyError("swap", str(error)) from error
        return dict(answer.get("result") or {})

    def _held(self, feed: Feed, staged: Staged, why: str, report: Mapping[str, Any]) -> Outcome:
        reason = f"held: {why}"
        unwanted = feed.memory.unwanting(staged.content, reason).unwanted
        feed.remember(refused=staged.archive, reason=reason, unwanted=unwanted)
        put_staged(feed, replace(staged, held=why, report=report))
        self._shown(feed)
        found = "; ".join(map(change_line, report["changes"][:_SHOWN]))
        text = f"{staged.text}: {why}{f': {found}' if found else ''}"
        return self._noted(feed, "held", text, feed.sets.current, "staging")

    def _promoted(self, feed: Feed, staged: Staged, why: str) -> Outcome:
        manifest, folder = feed.sets.manifest(staged.content), str(feed.sets.check(staged.content))
        if feed.name in feeds_used(self._settings) and kept(self._settings, instead={feed.name: folder}) is None:
            # The set of another feed came into force since. The front end would link the two without bounds.
            self._good(feed, manifest)
        return self._accepted_now(feed, manifest, staged.archive, f"promoted: {why}")

    # ---- the line

    def _known(self, feed: Feed, digest: str, asked: bool) -> Outcome | None:
        staged = staged_of(feed)
        if staged is None or staged.archive != digest:
            return super()._known(feed, digest, asked)
        if self._at_once:
            return self._promoted(feed, staged, "by the operator")
        if staged.held:
            return super()._known(feed, digest, asked)
        return Outcome(feed.name, "unchanged", f"{staged.text} is staged; {self._shown(feed)}")

    def _heeds(self, why: str, asked: bool) -> bool:
        return not self._at_once and (why == _REJECTED or super()._heeds(why, asked))

    def _passed(self, feed: Feed, manifest: Manifest, digest: str, why: str) -> Outcome:
        staged = staged_of(feed)
        if staged is not None and staged.content == manifest.content:
            # It stays held; what `promote` would put in force is called as the feed calls it now.
            put_staged(feed, replace(staged, archive=digest, number=manifest.number, text=str(manifest)))
        return super()._passed(feed, manifest, digest, why)

    def _tidy(self, feed: Feed) -> None:
        staged = staged_of(feed)
        feed.sets.tidy((staged.content,) if staged is not None else ())

    def _way(self, feed: Feed, manifest: Manifest, why: str) -> str:
        staged = staged_of(feed)
        if staged is not None and staged.content == manifest.content:
            return f"`revproxy signatures promote {feed.name}` puts them in force all the same"
        if why == _REJECTED:
            return f"`revproxy signatures update {feed.name} --now` puts them in force all the same"
        return super()._way(feed, manifest, why)

    def _accepted(self, feed: Feed, manifest: Manifest, digest: str, tried: str) -> Outcome:
        if self._at_once or not self._stages(feed, manifest):
            return self._accepted_now(feed, manifest, digest, tried)
        feed.remember(unwanted=feed.memory.wanting(manifest.content).unwanted)
        put_staged(
            feed, Staged(manifest.content, digest, manifest.number, str(manifest), _since(feed, manifest), tried)
        )
        feed.sets.tidy((manifest.content,))
        return self._noted(feed, "staged", f"{manifest}; {tried}; {self._shown(feed)}", feed.sets.current)

    def _accepted_now(self, feed: Feed, manifest: Manifest, digest: str, tried: str) -> Outcome:
        """Whatever is staged makes way for it, unless it is refused."""
        staged = staged_of(feed)
        # First: the front end looks what is staged when it is told of the new set.
        drop_staged(feed)
        try:
            return super()._accepted(feed, manifest, digest, tried)
        except BaseException:
            if staged is not None:
                put_staged(feed, staged)
            raise

    def _stages(self, feed: Feed, manifest: Manifest) -> bool:
        """Whether there is something in force that live traffic can be judged by besides."""
        used = feed.name in feeds_used(self._settings) and feed.sets.current not in ("", manifest.content)
        return used and self._settings.feeds.staging.enabled

    def _shown(self, feed: Feed) -> str:
        """Have the front end that runs, if any, look what is staged; what is to be said of this feed's set."""
        path = self._settings.control.path
        if not answered(path):
            return "no front end runs; it runs in shadow from the next start on"
        try:
            answer = ask(path, "stage", _STAGE_SECONDS)
        except PeerError as error:
            return f"the front end does not say whether it runs in shadow: {error}"
        told = answer.get("result") or {}
        if told.get("name", "").partition(":")[0] != feed.name:
            waits = f"it waits for {told['name'].partition(':')[0]}" if told else "it does not run in shadow now"
            return str(answer.get("error", "")) or waits
        return f"rule set {told['staged']} runs in shadow, for {told['seconds_left']:g} s at most"


def _there(feed: Feed) -> Staged:
    """Raises UseError, ConfigError."""
    staged = staged_of(feed)
    if staged is None:
        raise UseError("staging", f"nothing of {feed.name} is staged")
    return staged


def _since(feed: Feed, manifest: Manifest) -> str:
    """Now, unless these contents wait already: another name or number does not cost them their turn."""
    staged = staged_of(feed)
    waits = staged is not None and not staged.held and staged.content == manifest.content
    return staged.since if staged is not None and waits else now()


def change_line(change: Mapping[str, Any]) -> str:
    """What a signature would newly deny."""
    return f"{change['rule']} in {change['field']} on {change['route'] or 'no route'}, {change['count']} times"
