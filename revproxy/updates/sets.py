"""The sets of one feed on disk: a folder for each, named by its content, and two links.

    sets/HASH/manifest.json  sets/HASH/files/...
    current -> sets/HASH     previous -> sets/HASH

Invariants: what lies in `sets` is whole, and never changed; putting a set in force is one rename of a link; the set
that was in force before stays, so that going back needs nobody. Whether a set is good is not decided here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from revproxy.errors import ConfigError, Location, SupplyError
from revproxy.updates.files import is_ours, link_whole
from revproxy.updates.manifest import FILES, MOST_BYTES, NAME, Manifest, digest_of, read_manifest
from revproxy.updates.unpack import Files, cleared

_SETS: Final = "sets"
_CURRENT: Final = "current"
_PREVIOUS: Final = "previous"
_ANEW: Final = "`revproxy signatures update` fetches it anew; a release of CRS is given to `signatures add crs` again"
_OURS: Final = f"`chmod go-w`, and see that it is this user's; {_ANEW}"


class Sets:
    """Those of one feed."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the feed's own."""
        self._folder = folder

    @property
    def current(self) -> str:
        """The hash of the set in force; "" where there is none."""
        return self._target(_CURRENT)

    @property
    def previous(self) -> str:
        """That of the one before it; "" where there is none."""
        return self._target(_PREVIOUS)

    def _target(self, link: str) -> str:
        try:
            return Path(os.readlink(self._folder / link)).name
        except OSError:
            return ""

    def files(self, content: str) -> Path:
        """The folder of a set's signatures or rules."""
        return self._folder / _SETS / content / FILES

    def manifest(self, content: str) -> Manifest:
        """What a set says of itself. Raises SupplyError."""
        return _manifest(self._folder / _SETS / content)

    def take(self, unpacked: Path, files: Files) -> Manifest:
        """Keep what was unpacked under its hash. Raises SupplyError where it is not what its manifest says."""
        manifest = _manifest(unpacked)
        inside = {name.removeprefix(f"{FILES}/"): one for name, one in files.items() if name.startswith(f"{FILES}/")}
        if strays := sorted(files.keys() - {NAME} - {f"{FILES}/{name}" for name in inside}):
            raise SupplyError("unpack", f"{strays[0]!r} has no place in a set")
        if digest_of(inside) != manifest.content:
            raise SupplyError("unpack", "the files are not those that the manifest was made for")
        target = self._folder / _SETS / manifest.content
        target.parent.mkdir(mode=0o700, exist_ok=True)
        if self._is_whole(manifest.content):
            # The same files under another number or version: the manifest is all that differs.
            os.replace(unpacked / NAME, target / NAME)
            cleared(unpacked)
        else:
            cleared(target)
            os.rename(unpacked, target)
        return manifest

    def enforce(self, content: str) -> None:
        """Put a set in force; the one before it can be gone back to. Raises OSError."""
        before = self.current
        if before and before != content and (self._folder / _SETS / before).is_dir():
            link_whole(self._folder / _PREVIOUS, f"{_SETS}/{before}")
        link_whole(self._folder / _CURRENT, f"{_SETS}/{content}")

    def restore(self, current: str, previous: str) -> None:
        """Let the links be as they were, "" for none. Raises OSError."""
        for link, content in ((_CURRENT, current), (_PREVIOUS, previous)):
            if content:
                link_whole(self._folder / link, f"{_SETS}/{content}")
            else:
                (self._folder / link).unlink(missing_ok=True)

    def tidy(self, kept: Collection[str] = ()) -> None:
        """Remove every set but the one in force, the one before it and those that are to be kept."""
        for path in (self._folder / _SETS).glob("*"):
            if path.name not in (self.current, self.previous, *kept):
                cleared(path)

    def whole(self) -> None:
        """Raises ConfigError, SupplyError where there is no set in force, or one that cannot be used."""
        if not self.current:
            raise ConfigError("there is no set in force", Location(str(self._folder)), hint=_ANEW)
        self.check(self.current)
        self.manifest(self.current)

    @property
    def usable(self) -> bool:
        """Whether there is a set in force, and one that can be used."""
        try:
            self.whole()
        except (ConfigError, SupplyError):
            return False
        return True

    def _is_whole(self, content: str) -> bool:
        try:
            self.check(content)
        except ConfigError:
            return False
        return True

    def check(self, content: str) -> Path:
        """The files of a set, which are what their name says and were written by nobody else. Raises ConfigError."""
        place = self._folder / _SETS / content
        try:
            found = self._found(place)
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", Location(str(place)), hint=_ANEW) from None
        if digest_of(found) != content:
            raise ConfigError("this set was changed on disk; it is not used", Location(str(place)), hint=_ANEW)
        return place / FILES

    def _found(self, place: Path) -> Files:
        """Sizes and hashes. Raises OSError, ConfigError."""
        found = {}
        for path in (self._folder.parent, self._folder, self._folder / _SETS, place, *sorted(place.rglob("*"))):
            if path.is_symlink():
                raise ConfigError("not used: it is a link", Location(str(path)), hint=_ANEW)
            if not is_ours(path.lstat()):
                raise ConfigError("not used, for other users may write it", Location(str(path)), hint=_OURS)
            if path.is_file() and path.is_relative_to(place / FILES):
                data = path.read_bytes()
                found[str(path.relative_to(place / FILES))] = len(data), hashlib.sha256(data).hexdigest()
        return found


def _manifest(folder: Path) -> Manifest:
    try:
        with (folder / NAME).open("rb") as file:
            return read_manifest(file.read(MOST_BYTES + 1))
    except OSError:
        raise SupplyError("manifest", f"there is no {NAME}") from None
