"""Asking a feed what it offers. Whether it may be believed is python-tuf's decision; here it is only asked.

Invariants: every update begins with the root that the operator gave; what is fetched comes through `net.Downloader`
and its bounds; nothing that was accepted once is followed by something older, even where python-tuf's own memory is
gone. Only a newer root may begin anew, for it says that other keys count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, TargetFile, Targets
from tuf.api.serialization import DeserializationError
from tuf.ngclient import FetcherInterface, Updater

from revproxy.errors import LimitError, PeerError, SupplyError
from revproxy.net.download import Downloader, NotThereError
from revproxy.updates.metadata import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, target_of

_WORDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (exceptions.UnsignedMetadataError, "signatures are wrong or too few"),
    (exceptions.ExpiredMetadataError, "its time is over: somebody keeps newer metadata from us, or nobody made any"),
    (exceptions.BadVersionNumberError, "older than what was accepted before, or not what belongs together"),
    (exceptions.LengthOrHashMismatchError, "not the file that was signed"),
    (exceptions.DownloadLengthMismatchError, "longer than was signed, or than any metadata is"),
    (exceptions.RepositoryError, "no sound metadata"),
)
"""What python-tuf found, in words; the first that fits."""


def is_root(data: bytes) -> bool:
    """Whether this reads as the root metadata of a feed; who signed it is not looked at."""
    try:
        return isinstance(Metadata.from_bytes(data).signed, Root)
    except DeserializationError:
        return False


@dataclass(frozen=True, slots=True)
class Offer:
    """The set that a role offers now: the archive's SHA-256, and the versions of all metadata that vouch for it."""

    role: str
    digest: str
    length: int
    versions: Mapping[str, int]


class _Fetcher(FetcherInterface):
    def __init__(self, downloader: Downloader) -> None:
        self._downloader = downloader

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            yield from self._downloader.pieces(url)
        except NotThereError as error:
            raise exceptions.DownloadHTTPError(str(error), 404) from error


class Client:
    """One feed as a client sees it."""

    def __init__(self, folder: Path, url: str, root: bytes, downloader: Downloader, most: int) -> None:
        """`folder` is for python-tuf's memory, `url` is above `metadata` and `targets`, an archive has `most` bytes.

        Raises SupplyError where `root` is no root.
        """
        self._folder, self._most = folder, most
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        base = url.rstrip("/")
        with _told():
            self._updater = Updater(
                str(folder),
                f"{base}/metadata",
                target_base_url=f"{base}/targets",
                fetcher=_Fetcher(downloader),
                bootstrap=root,
            )
        self._target: TargetFile | None = None

    def roles(self) -> list[str]:
        """What it delegates. Raises SupplyError for whatever is not to be believed, or cannot be reached."""
        with _told():
            self._updater.refresh()
        delegations = self._read(TARGETS).delegations
        return sorted(delegations.roles or ()) if delegations is not None else []

    def look(self, role: str, known: Mapping[str, int]) -> Offer:
        """What that role offers; `known` are the versions accepted so far. Raises SupplyError."""
        with _told():
            self._target = self._updater.get_targetinfo(target_of(role))
        versions = {name: self._read(name).version for name in (ROOT, TIMESTAMP, SNAPSHOT, TARGETS)}
        if self._target is None:
            raise SupplyError("trust", f"the feed has nothing for {role!r}")
        versions[role] = self._read(role).version
        _not_older(versions, known)
        if self._target.length > self._most:
            raise SupplyError("trust", f"the set of {role!r} is larger than {self._most} bytes")
        return Offer(role, self._target.hashes["sha256"], self._target.length, versions)

    def fetch(self, to: Path) -> None:
        """Download what `look` found. Raises SupplyError."""
        assert self._target is not None
        with _told():
            self._updater.download_target(self._target, str(to))

    def _read(self, role: str) -> Targets:
        """What python-tuf has just accepted, and put there."""
        return Metadata[Targets].from_file(str(self._folder / f"{role}.json")).signed


def _not_older(versions: Mapping[str, int], known: Mapping[str, int]) -> None:
    if versions[ROOT] > known.get(ROOT, 0):
        return
    for name, version in versions.items():
        if version < known.get(name, 0):
            raise SupplyError("trust", f"{name} is version {version}; {known[name]} was accepted before")


@contextmanager
def _told() -> Iterator[None]:
    """Whatever python-tuf or the network says as a SupplyError."""
    try:
        yield
    except exceptions.DownloadHTTPError as error:
        raise SupplyError("fetch", str(error)) from error
    except (exceptions.RepositoryError, exceptions.DownloadError) as error:
        words = next((text for kind, text in _WORDS if isinstance(error, kind)), "cannot be fetched")
        raise SupplyError("trust", f"{words} ({error})") from error
    except (PeerError, LimitError) as error:
        raise SupplyError("fetch", str(error)) from error
    except OSError as error:
        raise SupplyError("fetch", f"cannot be kept: {error}") from error
