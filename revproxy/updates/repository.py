"""Running a feed: the changes that a publisher makes, each a few new files of metadata (`metadata.Shelf`).

Roles: root says whose keys count for the four others at the top; targets says whose keys count for the delegated
roles, one for each kind of set, which may sign what lies below their own name and nothing else; snapshot and
timestamp say what belongs together and that it is fresh. Root and targets are needed only when keys change, so their
keys can lie in a drawer.

Invariant: one process changes a feed at a time, from what it reads first to the last file that it writes.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from securesystemslib.signer import SSlibKey
from tuf.api.metadata import DelegatedRole, Delegations, MetaFile, Root, TargetFile, Targets

from revproxy.config.values import is_set_name
from revproxy.errors import ConfigError, Location
from revproxy.model import SupplyLimits
from revproxy.updates.files import alone, clear_unfinished
from revproxy.updates.keys import SHOWN, Keys
from revproxy.updates.manifest import FILES, Kind, is_version
from revproxy.updates.metadata import ROOT, TARGETS, TOP, Shelf, target_of
from revproxy.updates.pack import kind_of, pack, read_set
from revproxy.updates.unpack import unpack

PUBLIC: Final = "public"
KEYS: Final = "keys"
SOON: Final = timedelta(days=30)
"""Before metadata expires that somebody has to bring keys for."""
_MOST_SHOWN: Final = 50
"""Characters of a name that is none."""
_LOCK: Final = "lock"
_BUSY: Final = "another change of this feed is under way"
Check = Callable[[Path, Kind], None]
"""Looks at the files of a set as a client would unpack them. Raises SupplyError."""


def unchecked(files: Path, kind: Kind) -> None:
    """Nothing is looked at."""


class Repository:
    """One feed. `folder` holds `public`, which clients see; keys are wherever `keys` says."""

    def __init__(self, folder: Path, keys: Keys, now: datetime) -> None:
        """`now` is when what is made here is made."""
        self._folder, self._keys, self._now = folder, keys, now
        self._open()

    def _open(self) -> None:
        self._shelf = Shelf(self._folder / PUBLIC, self._keys, self._now)

    def begin(self, roles: Iterable[str], root_keys: int = 1, root_threshold: int = 1) -> None:
        """The first metadata, with new keys for every role.

        Raises ConfigError, also where a feed stands already, and SupplyError where somebody else changes it.
        """
        roles = tuple(roles)
        for i, role in enumerate(roles):
            self._named(role, roles[:i])
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot be written: {error.strerror}", Location(str(self._folder))) from None
        with self._alone():
            if any((self._folder / PUBLIC).glob("metadata/*")):
                raise ConfigError("there is a feed already; nothing was changed", Location(str(self._folder)))
            self._begin(roles, root_keys, root_threshold)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Nobody else changes this feed meanwhile. Raises SupplyError where somebody does, ConfigError for none."""
        self._shelf.root()
        with self._alone():
            yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The same without looking for a feed; nothing is left of a change that was refused or killed."""
        with alone(self._folder / _LOCK, _BUSY):
            self._keys.forget()
            self._tidy()
            self._open()
            yield

    def _begin(self, roles: tuple[str, ...], root_keys: int, root_threshold: int) -> None:
        root = Root(expires=self._shelf.expiry(ROOT), consistent_snapshot=True)
        for name in TOP:
            for _ in range(root_keys if name == ROOT else 1):
                root.add_key(self._keys.make(name), name)
        root.roles[ROOT].threshold = root_threshold
        targets = Targets(expires=self._shelf.expiry(TARGETS), delegations=Delegations({}, {}))
        for role in roles:
            _delegate(targets, role, self._keys.make(role))
        self._open()
        self._shelf.add_root(root, None)
        self._renewed(root, targets, roles)

    def _renewed(self, root: Root, targets: Targets, roles: Iterable[str], **kept: Targets) -> None:
        """Targets, and those roles whose keys they changed: anew where there was nothing."""
        changed = {}
        for role in roles:
            made = kept.get(role) or Targets(expires=self._shelf.expiry(role))
            changed[role] = self._shelf.add_targets(role, made, targets)
        self._snapshot({TARGETS: self._shelf.add_targets(TARGETS, targets, root), **changed}, root)

    def roles(self) -> list[str]:
        """The delegated roles."""
        delegations = self._shelf.targets().signed.delegations
        return sorted(delegations.roles or ()) if delegations is not None else []

    def _tidy(self) -> None:
        """Raises ConfigError."""
        public = self._folder / PUBLIC
        try:
            for folder in (public / "metadata", *(public / "targets").glob("*"), self._folder / KEYS):
                clear_unfinished(folder)
        except OSError as error:
            raise ConfigError(f"cannot be removed: {error.strerror}", Location(str(error.filename))) from None

    def publish(self, role: str, folder: Path, version: str, limits: SupplyLimits, check: Check = unchecked) -> str:
        """A new set of a role from a folder of signatures or rules; its hash. What `check` refuses is not signed.

        Raises ConfigError, SupplyError.
        """
        if not is_version(version):
            raise ConfigError(
                f"{version[:_MOST_SHOWN]!r} cannot be the version of a set",
                Location(str(self._folder)),
                hint="at most 64 letters, digits and . _ + -, a letter or a digit first",
            )
        self._shelf.root()
        number = self._shelf.targets(role).signed.version + 1
        kind = kind_of(folder)
        files = read_set(folder, kind)
        with tempfile.TemporaryDirectory() as scratch:
            # What a client would refuse is not published. That takes long, and holds nobody up who signs anew.
            unpack(io.BytesIO(pack(files, kind, role, number, version)), Path(scratch) / "set", limits)
            check(Path(scratch) / "set" / FILES, kind)
        with self._changing():
            return self._publish(role, files, kind, version)

    def _publish(self, role: str, files: Mapping[str, bytes], kind: Kind, version: str) -> str:
        before = self._shelf.targets(role).signed
        data = pack(files, kind, role, before.version + 1, version)
        made = self._next(before, role)
        made.targets = {target_of(role): TargetFile.from_data(target_of(role), data, ["sha256"])}
        digest = hashlib.sha256(data).hexdigest()
        self._shelf.add_set(role, digest, data)
        signed = self._shelf.add_targets(role, made, self._shelf.targets().signed)
        self._snapshot({role: signed}, self._shelf.root().signed)
        return digest

    def renew(self) -> None:
        """A new snapshot and timestamp, before the old ones expire. Raises ConfigError, SupplyError."""
        with self._changing():
            self._snapshot({}, self._shelf.root().signed)

    def expiring(self) -> dict[str, datetime]:
        """Until when metadata is good that is good for less than `SOON`, and that no `renew` makes anew: of root,
        targets and the delegated roles. Raises ConfigError."""
        until = {ROOT: self._shelf.root().signed.expires}
        until |= {role: self._shelf.targets(role).signed.expires for role in (TARGETS, *self.roles())}
        return {role: expires for role, expires in until.items() if expires - self._now < SOON}

    def _snapshot(self, changed: Mapping[str, MetaFile], root: Root) -> None:
        """The end of every change."""
        self._shelf.add_snapshot(changed, root)
        self._shelf.commit()

    def _next(self, before: Targets, role: str) -> Targets:
        made = deepcopy(before)
        made.version, made.expires = before.version + 1, self._shelf.expiry(role)
        return made

    def add_key(self, role: str, key: SSlibKey | None = None, threshold: int | None = None, new: bool = False) -> str:
        """One more key for a role, somebody else's or a new one; its id. `new`: for a role that there is not yet.

        Raises ConfigError, SupplyError.
        """
        with self._changing():
            if new:
                self._named(role, self.roles())
            keyids = set() if new else {*self._exists(role)}
            self._possible(len(keyids | {key.keyid if key else ""}), threshold)
            added = key or self._keys.make(role)
            self._change(role, (), added, threshold)
            return added.keyid

    def _named(self, role: str, known: Iterable[str]) -> None:
        """Raises ConfigError for what a new role beside the known ones cannot be called."""
        if not is_set_name(role) or role in (*TOP, *known):
            raise ConfigError(
                f"{role[:_MOST_SHOWN]!r} cannot be the name of a new role",
                Location(str(self._folder)),
                hint="at most 40 lower-case letters, digits and hyphens, a letter first; each name once",
            )

    def _possible(self, keys: int, threshold: int | None) -> None:
        """Raises ConfigError where so many keys can never sign enough."""
        if threshold is not None and threshold > keys:
            raise ConfigError(f"{keys} keys can never give {threshold} signatures", Location(str(self._folder)))

    def rotate(self, role: str, old: str = "") -> str:
        """A new key in the place of an old one, which the beginning of its id names; the only one needs no name.

        The new key's id. Raises ConfigError, SupplyError.
        """
        with self._changing():
            return self._rotate(role, old)

    def _rotate(self, role: str, old: str) -> str:
        keyids = self._exists(role)
        gone = tuple(keyid for keyid in keyids if keyid.startswith(old))
        if len(gone) != 1:
            known = ", ".join(keyid[:SHOWN] for keyid in keyids)
            which = "which key?" if gone else f"no key of {role} begins with {old[:_MOST_SHOWN]!r}."
            hint = "name the old key by the beginning of its id (--key)"
            raise ConfigError(f"{which} {role} has {known}", Location(str(self._folder)), hint=hint)
        added = self._keys.make(role)
        self._change(role, gone, added, None)
        return added.keyid

    def _exists(self, role: str) -> list[str]:
        """The ids of its keys."""
        delegator = self._shelf.root().signed if role in TOP else self._shelf.targets().signed
        if role not in (*TOP, *self.roles()):
            raise ConfigError(f"this feed has no role {role!r}", Location(str(self._folder)))
        return list(delegator.get_delegated_role(role).keyids)

    def _change(self, role: str, gone: Iterable[str], added: SSlibKey, threshold: int | None) -> None:
        """Other keys for a role, and everything signed anew that the old ones had signed."""
        self._open()
        before = self._shelf.root().signed
        if role not in TOP:
            targets = self._next(self._shelf.targets().signed, TARGETS)
            kept = {role: self._next(self._shelf.targets(role).signed, role)} if role in self.roles() else {}
            _delegate(targets, role, added, gone, threshold)
            self._renewed(before, targets, (role,), **kept)
            return
        root = deepcopy(before)
        root.version, root.expires = before.version + 1, self._shelf.expiry(ROOT)
        _exchange(root, role, added, gone)
        if threshold is not None:
            root.roles[role].threshold = threshold
        self._shelf.add_root(root, before)
        if role == TARGETS:
            self._renewed(root, self._next(self._shelf.targets().signed, TARGETS), ())
        else:
            self._snapshot({}, root)


def _delegate(
    targets: Targets, role: str, added: SSlibKey, gone: Iterable[str] = (), threshold: int | None = None
) -> None:
    delegations = targets.delegations
    assert delegations is not None
    roles = delegations.roles
    assert roles is not None
    if role not in roles:
        roles[role] = DelegatedRole(role, [], 1, terminating=True, paths=[f"{role}/*"])
    _exchange(targets, role, added, gone)
    if threshold is not None:
        roles[role].threshold = threshold


def _exchange(delegator: Root | Targets, role: str, added: SSlibKey, gone: Iterable[str]) -> None:
    delegator.add_key(added, role)
    for keyid in gone:
        delegator.revoke_key(keyid, role)
