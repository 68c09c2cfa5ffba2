"""The feeds that an operator has added, and what is remembered of each.

    FOLDER/lock  FOLDER/history.jsonl
    FOLDER/NAME/source.json  root.json  memory.json  trust/  sets/  current  previous

`source.json` and `root.json` are what the operator said; `memory.json` is what was accepted and refused since, apart
from python-tuf's own memory in `trust/`. One process changes any of it at a time (`locked`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from revproxy.config.values import is_set_name
from revproxy.errors import ConfigError, Location, SupplyError, UseError
from revproxy.updates.files import is_ours, taken, write_whole
from revproxy.updates.sets import Sets
from revproxy.updates.unpack import cleared

STAGED: Final = "staged.json"
"""What waits for live traffic (`staged`)."""
_MOST_HISTORY: Final = 1024 * 1024
_MOST_UNWANTED: Final = 1000
_LOCK: Final = "lock"
_BUSY: Final = (
    "another update is under way, the timer's or somebody's: nothing was changed; try again when it is done"
)
_AGAIN: Final = "`revproxy signatures add ... --again` writes it anew"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a feed is. `role` is the one that is asked; `ca` a PEM file for HTTPS, "" for the system's authorities.

    A feed without a role is a release that is brought by hand (`app.release`): nobody looks for a newer one.
    """

    url: str
    role: str = ""
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered. Versions and numbers are the highest that were accepted."""

    versions: Mapping[str, int] = field(default_factory=dict)
    number: int = 0
    archive: str = ""
    """The SHA-256 of the archive that was accepted last."""
    refused: str = ""
    """That of one which was refused, or gone back from; it is not tried again unless somebody asks for it ..."""
    reason: str = ""
    """... and why."""
    unwanted: Mapping[str, str] = field(default_factory=dict)
    """The hashes of contents that were held, rejected or gone back from, and why: they do not come by themselves,
    whatever archive, number or version they come with."""
    offered: str = ""
    """That of the one that was offered last: what was refused before it is history."""
    pinned: bool = False
    looked: str = ""
    """When somebody looked last."""

    def unwanting(self, content: str, why: str) -> Memory:
        """With one more that does not come by itself; the oldest goes where they are too many."""
        kept = [*self.wanting(content).unwanted.items(), (content, why)]
        return replace(self, unwanted=dict(kept[-_MOST_UNWANTED:]))

    def wanting(self, content: str) -> Memory:
        """Without this one among them."""
        return replace(self, unwanted={one: why for one, why in self.unwanted.items() if one != content})


_INSIDE: Final = {"versions": int, "unwanted": str}
"""Of what type the values are in a field that has several."""


class Feed:
    """One feed on disk."""

    def __init__(self, folder: Path) -> None:
        """Reads nothing."""
        self.name = folder.name
        self.folder = folder
        self.sets = Sets(folder)

    def add(self, source: Source, root: bytes) -> None:
        """Write down what the operator said; what was remembered so far is forgotten. Raises SupplyError."""
        try:
            cleared(self.folder / "trust")
            for forgotten in ("memory.json", STAGED):
                (self.folder / forgotten).unlink(missing_ok=True)
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.folder / "root.json", root)
            write_whole(self.folder / "source.json", _text(asdict(source)))
        except OSError as error:
            raise _unwritten(self.folder, error) from None

    def moved(self, source: Source) -> None:
        """Write down that its sets come from elsewhere now; what is remembered stays. Raises SupplyError."""
        try:
            write_whole(self.folder / "source.json", _text(asdict(source)))
        except OSError as error:
            raise _unwritten(self.folder, error) from None

    @property
    def source(self) -> Source:
        """Raises ConfigError."""
        path = self.folder / "source.json"
        found = _read(path, Source(""))
        if "url" not in found:
            raise ConfigError("it does not say where the feed is", Location(str(path)), hint=_AGAIN)
        return Source(**found)

    @property
    def root(self) -> bytes:
        """The root that the operator gave. Raises ConfigError."""
        try:
            return (self.folder / "root.json").read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", Location(str(self.folder / "root.json"))) from None

    @property
    def memory(self) -> Memory:
        """Raises ConfigError for one that is broken: what it guards against would be let in."""
        path = self.folder / "memory.json"
        return Memory(**_read(path, Memory())) if path.exists() else Memory()

    def remember(self, **changes: Any) -> None:
        """Change what is remembered. Raises SupplyError where it cannot be written, ConfigError."""
        try:
            write_whole(self.folder / "memory.json", _text(asdict(replace(self.memory, **changes))))
        except OSError as error:
            raise _unwritten(self.folder, error) from None


def _text(found: Mapping[str, Any]) -> bytes:
    return json.dumps(found, indent=1).encode() + b"\n"


def _unwritten(path: Path, error: OSError) -> SupplyError:
    return SupplyError("disk", f"{path}: cannot be written: {error.strerror}")


def _read(path: Path, like: Source | Memory) -> dict[str, Any]:
    """A JSON object with no fields but those of `like`, of its types. Raises ConfigError."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"cannot be read: {error}", Location(str(path)), hint=_AGAIN) from None
    if not isinstance(found, dict):
        raise ConfigError("no JSON object", Location(str(path)), hint=_AGAIN)
    types = {name: type(value) for name, value in asdict(like).items()}
    for name, value in found.items():
        inside = value.values() if isinstance(value, dict) else ()
        if type(value) is not types.get(name) or not all(type(one) is _INSIDE[name] for one in inside):
            raise ConfigError(f"{name!r} is not what was written there", Location(str(path)), hint=_AGAIN)
    return found


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class Feeds:
    """All feeds of a front end, in one folder."""

    def __init__(self, folder: str) -> None:
        """Reads nothing; the folder is made when a feed is added."""
        self.folder = Path(folder)

    def names(self) -> list[str]:
        """Those that were added. Raises ConfigError where this user may not look."""
        try:
            found = [path.name for path in self.folder.iterdir() if (path / "source.json").exists()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", Location(str(self.folder))) from None
        return sorted(found)

    def find(self, name: str) -> Feed:
        """Raises UseError where there is none of that name, ConfigError."""
        if name not in self.names():
            known = ", ".join(self.names()) or "none"
            raise UseError("feed", f"there is no feed {name!r}; added were: {known}")
        return Feed(self.folder / name)

    def new(self, name: str) -> Feed:
        """A feed to add. Raises UseError for a name that is none."""
        if not is_set_name(name):
            raise UseError("feed", f"{name!r} is no name: lower-case letters, digits and hyphens")
        if name == _LOCK:
            raise UseError("feed", f"{name!r} is the name of a file in {self.folder}; choose another one with --name")
        return Feed(self.folder / name)

    @contextmanager
    def locked(self, wait: bool = False) -> Iterator[None]:
        """Nobody else changes anything meanwhile. Raises BusyError where one does, unless one is to `wait`, and
        SupplyError where one could."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not is_ours(self.folder.stat()):
                raise SupplyError(
                    "feed", f"{self.folder}: other users may write it: `chmod go-w`, and look what is there"
                )
            descriptor = taken(self.folder / _LOCK, _BUSY, wait)
        except OSError as error:
            raise _unwritten(self.folder, error) from None
        try:
            yield
        finally:
            os.close(descriptor)

    def note(self, record: Mapping[str, Any]) -> None:
        """Add a line to the history; the oldest go when there are too many. Raises SupplyError."""
        path = self.folder / "history.jsonl"
        try:
            if path.exists() and path.stat().st_size > _MOST_HISTORY:
                os.replace(path, path.with_suffix(".old.jsonl"))
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with open(descriptor, "a", encoding="utf-8") as file:
                file.write(("\n" if _is_cut(descriptor) else "") + json.dumps(record) + "\n")
        except OSError as error:
            raise _unwritten(path, error) from None

    def history(self) -> list[dict[str, Any]]:
        """Its lines, the oldest first, without those that were cut by a full disk. Raises ConfigError."""
        path = self.folder / "history.jsonl"
        try:
            lines = path.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", Location(str(path))) from None
        return [found for line in lines if (found := _object(line)) is not None]


def _is_cut(descriptor: int) -> bool:
    """Whether the last line has no end; one more behind it would be lost with it."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
