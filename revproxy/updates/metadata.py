"""The metadata of a feed on disk: the newest of each role read, new ones signed, checked and written.

    metadata/N.root.json  N.targets.json  N.ROLE.json  N.snapshot.json  timestamp.json
    targets/ROLE/SHA256.set.tar.gz

Invariants: a file that stands is never changed, but for timestamp.json; each is there whole or not at all; nothing is
written before all of a change is signed, and signed by enough; new keys are there before what names them; the
timestamp is written last, so a client sees what was before or all of what is new. `repository` says what changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError
from tuf.api.serialization.json import JSONSerializer

from revproxy.errors import ConfigError, Location, SupplyError
from revproxy.updates.files import File, write_all
from revproxy.updates.keys import SHOWN, Keys

ROOT, TARGETS, SNAPSHOT, TIMESTAMP = "root", "targets", "snapshot", "timestamp"
TOP: Final = (ROOT, TARGETS, SNAPSHOT, TIMESTAMP)
DAYS: Final[Mapping[str, int]] = {ROOT: 365, TARGETS: 365, SNAPSHOT: 30, TIMESTAMP: 7}
"""For how long metadata is good; that of a delegated role for `ROLE_DAYS`. Whoever keeps clients from newer metadata
can do so for as long as the timestamp is good, and no longer."""
ROLE_DAYS: Final = 180
SET: Final = "set.tar.gz"
_T = TypeVar("_T", Root, Timestamp, Snapshot, Targets)


def target_of(role: str) -> str:
    """The one target of a delegated role."""
    return f"{role}/{SET}"


class Shelf:
    """The metadata and targets of one feed. `now` is when new metadata is made; `commit` writes what was added."""

    def __init__(self, folder: Path, keys: Keys, now: datetime) -> None:
        """`folder` is what clients see. Keys that are made later do not sign."""
        self._metadata, self._targets = folder / "metadata", folder / "targets"
        self._keys, self._signers, self._now = keys, keys.signers(), now
        self._added: list[File] = []

    def root(self) -> Metadata[Root]:
        """The newest. Raises ConfigError where there is none."""
        numbers = [int(path.name.partition(".")[0]) for path in self._metadata.glob("[0-9]*.root.json")]
        if not numbers:
            raise ConfigError("there is no feed here", Location(str(self._metadata)), hint="revproxy feed init")
        return self._read(Root, f"{max(numbers)}.root.json")

    def timestamp(self) -> Metadata[Timestamp]:
        """The newest. Raises ConfigError."""
        return self._read(Timestamp, "timestamp.json")

    def snapshot(self) -> Metadata[Snapshot]:
        """The one that the timestamp names. Raises ConfigError."""
        return self._read(Snapshot, f"{self.timestamp().signed.snapshot_meta.version}.snapshot.json")

    def targets(self, role: str = TARGETS) -> Metadata[Targets]:
        """Those of a role, as the snapshot names them. Raises ConfigError, also for a role that there is not."""
        meta = self.snapshot().signed.meta.get(f"{role}.json")
        if meta is None:
            raise ConfigError(f"this feed has no role {role!r}", Location(str(self._metadata)))
        return self._read(Targets, f"{meta.version}.{role}.json")

    def _read(self, kind: type[_T], name: str) -> Metadata[_T]:
        path = self._metadata / name
        try:
            found: Metadata[_T] = Metadata[_T].from_bytes(path.read_bytes())
        except OSError as error:
            hint = "of public/metadata nothing may be missing; take it from what clients see, or from a copy"
            raise ConfigError(f"cannot be read: {error.strerror}", Location(str(path)), hint=hint) from None
        except DeserializationError as error:
            raise ConfigError(f"this is no metadata: {error}", Location(str(path))) from None
        if found.signed.type != kind.type:
            raise ConfigError(f"this is metadata of {found.signed.type!r}", Location(str(path)))
        return found

    def expiry(self, role: str) -> datetime:
        """When metadata of that role that is made now is no longer good."""
        return self._now.replace(microsecond=0) + timedelta(days=DAYS.get(role, ROLE_DAYS))

    def add_set(self, role: str, digest: str, data: bytes) -> None:
        """A set, under the name that consistent snapshots ask for."""
        self._add_file(self._targets / role / f"{digest}.{SET}", data)

    def add_root(self, made: Root, before: Root | None) -> None:
        """Sign by every key of either root that is here. Raises SupplyError where that is not enough for both."""
        signed = self._signed(
            Metadata(made), {*made.roles[ROOT].keyids, *(before.roles[ROOT].keyids if before else ())}
        )
        for one in (made, *([before] if before else [])):
            self._enough(one, ROOT, signed)
        self._add_file(self._metadata / f"{made.version}.root.json", _bytes(signed))

    def add_targets(self, role: str, made: Targets, delegator: Root | Targets) -> MetaFile:
        """Sign the targets of a role; what a snapshot says of them. Raises SupplyError."""
        return self._add(role, Metadata(made), delegator, f"{made.version}.{role}.json")

    def add_snapshot(self, changed: Mapping[str, MetaFile], root: Root) -> None:
        """A snapshot with these changes, and a timestamp for it. Raises SupplyError."""
        meta = {f"{role}.json": one for role, one in changed.items()}
        if (self._metadata / "timestamp.json").exists():
            before, last = self.snapshot().signed, self.timestamp().signed.version
            made = Snapshot(before.version + 1, expires=self.expiry(SNAPSHOT), meta={**before.meta, **meta})
        else:
            last, made = 0, Snapshot(expires=self.expiry(SNAPSHOT), meta=meta)
        there = self._add(SNAPSHOT, Metadata(made), root, f"{made.version}.snapshot.json")
        stamp = Timestamp(last + 1, expires=self.expiry(TIMESTAMP), snapshot_meta=there)
        self._add(TIMESTAMP, Metadata(stamp), root, "timestamp.json")

    def commit(self) -> None:
        """Write it all, and new keys before it. Raises ConfigError; what clients see is as before then."""
        files = [*self._keys.made(), *self._added]
        try:
            for file in files:
                file.path.parent.mkdir(parents=True, exist_ok=True)
            write_all(files)
        except OSError as error:
            raise ConfigError(
                f"cannot be written: {error.strerror}", Location(str(error.filename2 or error.filename))
            ) from None
        self._added = []

    def _add_file(self, path: Path, data: bytes) -> None:
        self._added.append(File(path, data, 0o644))

    def _add(self, role: str, made: Metadata[_T], delegator: Root | Targets, name: str) -> MetaFile:
        signed = self._signed(made, delegator.get_delegated_role(role).keyids)
        self._enough(delegator, role, signed)
        data = _bytes(signed)
        self._add_file(self._metadata / name, data)
        return MetaFile.from_data(made.signed.version, data, ["sha256"])

    def _signed(self, made: Metadata[_T], keyids: Mapping[str, object] | list[str] | set[str]) -> Metadata[_T]:
        for keyid in sorted(keyids):
            if keyid in self._signers:
                made.sign(self._signers[keyid], append=True)
        return made

    def _enough(self, delegator: Root | Targets, role: str, made: Metadata[_T]) -> None:
        found = delegator.get_verification_result(role, made.signed_bytes, made.signatures)
        if not found:
            lacking = ", ".join(keyid[:SHOWN] for keyid in sorted(found.unsigned))
            have = f"it has {len(found.signed)} of {found.threshold} signatures"
            unread = "".join(f"\n{one}" for one in self._keys.unread)
            where = f"\n  hint: looked for in {self._keys.folders}; `--keys FOLDER` names where others are"
            raise SupplyError("sign", f"{role}: {have}; keys that are not here: {lacking}{unread}{where}")


def _bytes(made: Metadata[_T]) -> bytes:
    return made.to_bytes(JSONSerializer(compact=False))
