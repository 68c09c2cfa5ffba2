"""Updating signatures: from a feed to what is in force.

    look and fetch (TUF) -> unpack -> try -> in force on disk -> in force in the workers

Every step may refuse, and then nothing that was in force has changed: what was done is undone, and the refusal is
written down in the feeds' history, with its step and reason; whoever asked tells it to people or the log. A set that
was refused is not tried again by itself. The trust decision is python-tuf's (`updates.trust`), the trial is a process
of its own (`trying`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from revproxy.app.ending import ending_in_order
from revproxy.app.order import Order, Tried
from revproxy.app.running import running_sets
from revproxy.app.supplied import KEYS, feeds_used, missing
from revproxy.app.supplyplaces import check_feed
from revproxy.app.trying import tried
from revproxy.config import Settings
from revproxy.config.settings import FEED
from revproxy.errors import ConfigError, LimitError, PeerError, SupplyError, UseError
from revproxy.net.download import Downloader
from revproxy.runtime.asking import ask
from revproxy.runtime.control import answered
from revproxy.updates.feeds import Feed, Feeds, Source
from revproxy.updates.manifest import Manifest
from revproxy.updates.metadata import ROOT
from revproxy.updates.trust import Client
from revproxy.updates.unpack import Files, cleared, unpack

_SWAP_SECONDS: Final = 600.0
_UNDO_SECONDS: Final = 60.0
_ITS_OWN: Final = frozenset({"unpack", "manifest", "compile", "samples"})
"""Steps at which a set is to blame, and would be again; at the others it may go better next time."""
_GONE_BACK: Final = "the operator went back from it"
PASSED_OVER: Final = "passed over"
"""The outcome of an update whose contents were not wanted before."""
Try = Callable[[Order, float], Tried]
Open = Callable[[Path, Path], Files]
"""Makes a folder with a manifest and `files` of an archive. Raises SupplyError."""


def now() -> str:
    """The time as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of something that was done with a feed: a word, and more of it."""

    feed: str
    word: str
    text: str

    @property
    def good(self) -> bool:
        """Whether nothing was refused."""
        return self.word != "refused"

    def __str__(self) -> str:
        return f"{self.feed}: {self.word}: {self.text}"


class Supply:
    """The feeds of one front end, for the one process that changes them."""

    def __init__(self, file: str, settings: Settings, try_set: Try = tried) -> None:
        """`file` is the configuration that `settings` come from."""
        self._file, self._settings, self._try = file, settings, try_set
        self.feeds = Feeds(settings.feeds.folder)

    @contextmanager
    def _alone(self, wait: bool = False) -> Iterator[None]:
        """Nobody else changes feeds, and being ended undoes what is half done. Raises SupplyError, ConfigError."""
        with ending_in_order(), self.feeds.locked(wait):
            yield

    # ---- what an operator asks for

    def add(self, name: str, source: Source, root: bytes, again: bool = False) -> Outcome:
        """Add a feed once it could be believed, and take its set; `again` forgets what is known of the old one.

        Without a `name` it is called as the role is. Raises UseError, SupplyError, ConfigError where it is not added.
        """
        check_feed(source)
        if name:
            self.feeds.new(name)
        with self._alone():
            source = self._complete(source, root)
            feed = self.feeds.new(name or source.role)
            if feed.name in self.feeds.names() and not again:
                raise UseError("feed", f"there is a feed {feed.name!r} already; --again forgets it and adds this one")
            feed.add(source, root)
            outcome = self._update(feed, asked=True)
            if outcome.good:
                return outcome
            way = f"`signatures update {feed.name}` takes its next set, `signatures add ... --again` begins anew"
            return replace(outcome, text=f"{outcome.text}\n  hint: the feed is added, without a set; {way}")

    def _complete(self, source: Source, root: bytes) -> Source:
        """With its role: the only one, where none was named. What was looked at is thrown away."""
        scratch = self.feeds.folder / ".adding"
        cleared(scratch)
        try:
            roles = self._client(scratch, source, root).roles()
        finally:
            cleared(scratch)
        if source.role not in roles and (source.role or len(roles) != 1):
            raise SupplyError("feed", f"which role (--role)? This feed has: {', '.join(roles) or 'none'}")
        return source if source.role else replace(source, role=roles[0])

    def update(self, names: Sequence[str] = (), asked: bool = True) -> list[Outcome]:
        """Look for newer sets and put them in force; of all feeds where none is named.

        `asked`: somebody wants it now, so what was refused before is tried again. Raises SupplyError where a feed
        does not exist or another update is under way; what is wrong with a feed is in its outcome.
        """
        chosen = [self.feeds.find(name) for name in names or self.feeds.names()]
        if not chosen:
            return []
        with self._alone():
            return [self._update(feed, asked) for feed in chosen]

    def bring(self, name: str, url: str, archive: Path, open_archive: Open) -> Outcome:
        """Take a release that somebody vouches for, as a feed where nobody looks. Raises SupplyError, ConfigError."""
        with self._alone():
            feed = self.feeds.new(name)
            if name in self.feeds.names() and feed.source.role:
                raise SupplyError("feed", f"{name!r} is a feed; its sets come from {feed.source.url}")
            if name not in self.feeds.names():
                feed.add(Source(url), b"")
            self._unpinned(feed)
            outcome = self._guarded(feed, lambda: self._take(feed, archive, open_archive, lambda _: False))
            if outcome.good:
                feed.moved(Source(url))
            return outcome

    def rollback(self, name: str) -> Outcome:
        """Put the set in force that was before, once; the one that is now does not come again by itself.

        Raises SupplyError, ConfigError where that cannot be.
        """
        feed = self.feeds.find(name)
        with self._alone():
            current, previous, memory = feed.sets.current, feed.sets.previous, feed.memory
            if not previous:
                raise SupplyError("rollback", f"there is no set before this one to go back to in {name}")
            try:
                feed.sets.check(previous)
            except ConfigError as error:
                raise SupplyError("rollback", f"the set before cannot be used: {error.message}") from None
            said = self._enforce(feed, previous)
            # What one has gone away from is not what was before.
            feed.sets.restore(previous, "")
            gone = {"refused": memory.archive or memory.refused, "reason": _GONE_BACK}
            unwanted = memory.unwanting(current, _GONE_BACK).wanting(previous).unwanted
            # What is offered by now, and was refused, held or rejected, is not to come by itself either.
            gone = {} if memory.refused and memory.refused == memory.offered else gone
            feed.remember(archive="", unwanted=unwanted, **gone)
            return self._noted(feed, "rolled back", f"to {feed.sets.manifest(previous)}; {said}", current)

    def pin(self, name: str, pinned: bool = True) -> Outcome:
        """Stay with the set that is in force until unpinned. Raises SupplyError, ConfigError."""
        feed = self.feeds.find(name)
        with self._alone():
            feed.remember(pinned=pinned)
            return self._noted(feed, "pinned" if pinned else "unpinned", "by the operator", feed.sets.current)

    def _unpinned(self, feed: Feed) -> None:
        """Raises SupplyError for a feed with whose set somebody wants to stay: nobody but he knows why."""
        if feed.memory.pinned:
            raise SupplyError("pin", f"{feed.name} is to stay with the set in force; {unpin(feed.name)}")

    # ---- the line

    def _update(self, feed: Feed, asked: bool) -> Outcome:
        return self._guarded(feed, lambda: self._look(feed, asked))

    def _guarded(self, feed: Feed, work: Callable[[], Outcome]) -> Outcome:
        """What comes of it, a refusal too."""
        before = feed.sets.current
        try:
            return work()
        except (SupplyError, ConfigError, PeerError, LimitError, OSError) as error:
            return self._noted(feed, "refused", str(error), before, getattr(error, "step", ""))
        except (KeyboardInterrupt, SystemExit):
            self._noted(feed, "refused", "it was ended before it was done", before)
            raise

    def _look(self, feed: Feed, asked: bool) -> Outcome:
        """Raises SupplyError, ConfigError."""
        memory, source = feed.memory, feed.source
        if memory.pinned or not source.role:
            feed.sets.whole()
            word, why = ("pinned", f"; {unpin(feed.name)}") if memory.pinned else ("unchanged", "")
            return Outcome(feed.name, word, f"newer sets are not looked for{why}")
        client = self._client(feed.folder / "trust", source, feed.root)
        offer = client.look(source.role, memory.versions)
        # Whoever holds root may begin anew (`updates.trust`).
        number = memory.number if offer.versions[ROOT] == memory.versions.get(ROOT) else 0
        feed.remember(versions=offer.versions, number=number, looked=now(), offered=offer.digest)
        if (known := self._known(feed, offer.digest, asked)) is not None:
            return known
        archive = feed.folder / "incoming.tar.gz"
        try:
            client.fetch(archive)
            return self._take(feed, archive, self._unpacked, lambda why: self._heeds(why, asked))
        finally:
            archive.unlink(missing_ok=True)

    def _known(self, feed: Feed, digest: str, asked: bool) -> Outcome | None:
        """What there is to say of an archive that is not to be fetched. Raises SupplyError, ConfigError."""
        memory = feed.memory
        if digest == memory.archive and feed.sets.usable:
            return Outcome(feed.name, "unchanged", "there is nothing newer")
        if digest == memory.refused and not asked:
            if memory.number:
                feed.sets.whole()
            return Outcome(feed.name, "unchanged", f"what is offered was refused before: {memory.reason}")
        return None

    def _client(self, folder: Path, source: Source, root: bytes) -> Client:
        limits = self._settings.limits.supply
        downloader = Downloader(limits, source.ca or None)
        return Client(folder, source.url, root, downloader, limits.archive_bytes)

    def _unpacked(self, archive: Path, into: Path) -> Files:
        with archive.open("rb") as file:
            return unpack(file, into, self._settings.limits.supply)

    def _take(self, feed: Feed, archive: Path, open_archive: Open, heeds: Callable[[str], bool]) -> Outcome:
        """From an archive that is trusted to what is in force. Raises SupplyError; what was refused is remembered.

        `heeds`: whether contents that were not wanted, for this reason, are passed over.
        """
        digest, incoming = hashlib.sha256(archive.read_bytes()).hexdigest(), feed.folder / "incoming"
        feed.remember(offered=digest)
        cleared(incoming)
        try:
            manifest = feed.sets.take(incoming, open_archive(archive, incoming))
            self._newer(feed, manifest)
            if (why := feed.memory.unwanted.get(manifest.content)) is not None and heeds(why):
                return self._passed(feed, manifest, digest, why)
            return self._accepted(feed, manifest, digest, self._good(feed, manifest))
        except SupplyError as error:
            if error.step in _ITS_OWN:
                feed.remember(refused=digest, reason=str(error))
            raise
        finally:
            cleared(incoming)

    def _heeds(self, why: str, asked: bool) -> bool:
        """Whether contents that were not wanted, for this reason, still are not."""
        return not asked

    def _passed(self, feed: Feed, manifest: Manifest, digest: str, why: str) -> Outcome:
        """Pass over contents that were not wanted before, whatever they are called now. Raises ConfigError where
        there is nothing else."""
        feed.remember(refused=digest, reason=why)
        self._tidy(feed)
        if feed.memory.number:
            feed.sets.whole()
        text = f"{manifest} has contents that were offered before: {why}; {self._way(feed, manifest, why)}"
        return self._noted(feed, PASSED_OVER, text, feed.sets.current)

    def _tidy(self, feed: Feed) -> None:
        feed.sets.tidy()

    def _way(self, feed: Feed, manifest: Manifest, why: str) -> str:
        """How contents that were not wanted are taken all the same."""
        return f"`revproxy signatures update {feed.name}` takes them all the same"

    def _accepted(self, feed: Feed, manifest: Manifest, digest: str, tried: str) -> Outcome:
        """Put a set in force that stood its trial. Raises SupplyError; nothing has changed then."""
        before, said = feed.sets.current, self._enforce(feed, manifest.content)
        unwanted = feed.memory.wanting(manifest.content).unwanted
        feed.remember(archive=digest, number=manifest.number, refused="", reason="", unwanted=unwanted)
        feed.sets.tidy()
        return self._noted(feed, "in force", f"{manifest}; {tried}; {said}", before)

    def _newer(self, feed: Feed, manifest: Manifest) -> None:
        """Raises SupplyError for one that is older, or of another kind than what is in force and can be used."""
        expected, highest = feed.source.role or feed.name, feed.memory.number
        if manifest.name != expected:
            raise SupplyError("manifest", f"this is a set of {manifest.name!r}, not of {expected!r}")
        current = feed.sets.current
        if feed.sets.usable and (before := feed.sets.manifest(current).kind) is not manifest.kind:
            raise SupplyError("manifest", f"this is a set of {manifest.kind}; what is in force is one of {before}")
        if manifest.number < highest:
            raise SupplyError(
                "manifest", f"number {manifest.number} is older than {highest}, which was in force before"
            )

    def _good(self, feed: Feed, manifest: Manifest) -> str:
        """Try a set; what is to be said. Raises SupplyError."""
        limits, folder = self._settings.limits.supply, str(feed.sets.check(manifest.content))
        order = Order(
            self._file, feed.name, manifest.kind, folder, limits.trial_memory_bytes, limits.trial_cpu_seconds
        )
        done = self._try(order, limits.trial_seconds)
        return f"{done.rules} rules, {done.samples} samples"

    def _enforce(self, feed: Feed, content: str) -> str:
        """In force on disk, then in the workers, or in neither; what is to be said. Raises SupplyError."""
        before = feed.sets.current, feed.sets.previous
        try:
            feed.sets.enforce(content)
            return self._told(feed, first=not before[0])
        except BaseException as error:
            feed.sets.restore(*before)
            if not isinstance(error, SupplyError):
                self._untold()
            raise

    def _told(self, feed: Feed, first: bool) -> str:
        """Have the front end that runs, if any, put in force what is on disk now.

        One that runs without the `first` set of a feed was started before the configuration named that feed.
        """
        path = self._settings.control.path
        if feed.name not in feeds_used(self._settings):
            key = KEYS[feed.sets.manifest(feed.sets.current).kind]
            return f"not used yet: inspection.{key} does not name {FEED}{feed.name}"
        if not answered(path):
            return self._later("no front end runs; it is used from the next start on")
        if first and feed.name not in running_sets(path):
            return self._later("the front end that runs does not use it yet: `revproxy reload`")
        try:
            answer = ask(path, "swap", _SWAP_SECONDS)
        except PeerError as error:
            raise SupplyError("swap", str(error)) from error
        if not answer["ok"]:
            raise SupplyError("swap", answer["error"])
        return f"rule set {answer['result']['ruleset']}"

    def _later(self, text: str) -> str:
        """With what else has to be there until then."""
        others = missing(self._settings)
        return "; ".join((text, *(f"before that {FEED}{name} needs a set too: {others[name]}" for name in others)))

    def _untold(self) -> None:
        """We were ended while the front end may be at it: it looks again, after that, at what is on disk now."""
        path = self._settings.control.path
        if answered(path):
            with suppress(PeerError):
                ask(path, "swap", _UNDO_SECONDS)

    def _noted(self, feed: Feed, word: str, text: str, before: str, step: str = "") -> Outcome:
        """In the history; an outcome."""
        outcome = Outcome(feed.name, word, text)
        record = {"time": now(), "feed": feed.name, "outcome": word, "text": text, "step": step}
        self.feeds.note({**record, "before": before, "current": feed.sets.current})
        return outcome


def unpin(name: str) -> str:
    """What ends it that a feed is pinned."""
    return f"`revproxy signatures pin {name} --off` ends that"
