"""An official release of OWASP CRS as a set: fetched or read, vouched for, and only its rules taken out of it.

A release is vouched for by the detached signature of its project (`openpgp`), or by a hash that the operator knows
from elsewhere. Unlike a feed it says nothing of whether there is a newer one; what is older than what was in force is
refused.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from revproxy.app.openpgp import digits_of, verify
from revproxy.app.supplied import CRS
from revproxy.app.supply import Outcome, Supply
from revproxy.app.supplyplaces import check_place
from revproxy.errors import LimitError, PeerError, SupplyError
from revproxy.model import SupplyLimits
from revproxy.net.download import Downloader
from revproxy.updates.manifest import FILES, NAME, Kind, Manifest, digest_of
from revproxy.updates.unpack import Files, unpack

_SETUP: Final = "crs-setup.conf.example"
_RULES = re.compile(r"[^/]+/(rules/[^/]+\.(?:conf|data)|crs-setup\.conf\.example)", re.ASCII)
_VERSION = re.compile(rb"setvar:'?tx\.crs_setup_version=([1-9])([0-9]{1,3})([0-9])\b", re.ASCII)
_SIGNATURE_BYTES: Final = 64 * 1024
_REDIRECTS: Final = 5
"""Releases are kept behind some."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What vouches for a release: a key file or fingerprint with a signature beside the archive, or a SHA-256."""

    key: Path | None = None
    fingerprint: str = ""
    signature: str = ""
    """Where the signature is; "": beside the archive, with `.asc` behind its name."""
    sha256: str = ""


def bring_release(supply: Supply, place: str, proof: Proof, limits: SupplyLimits) -> Outcome:
    """Fetch a release, have it vouched for, put it in force as the feed `crs`.

    Raises UseError for an address or a fingerprint that is none, SupplyError, ConfigError.
    """
    for one in filter(None, (place, proof.signature)):
        check_place(one)
    digits_of(proof.fingerprint)
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "release.tar.gz"
        try:
            downloader = Downloader(limits, redirects=_REDIRECTS)
            archive.write_bytes(downloader.read(place, limits.archive_bytes))
            _vouched(archive, place, proof, downloader)
        except (PeerError, LimitError) as error:
            raise SupplyError("fetch", str(error)) from error
        return supply.bring(CRS, place, archive, lambda found, into: opened(found, into, limits))


def _vouched(archive: Path, place: str, proof: Proof, downloader: Downloader) -> None:
    if proof.sha256:
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != proof.sha256.lower():
            raise SupplyError("signature", f"its SHA-256 is {found}")
        return
    signature = archive.with_suffix(".asc")
    signature.write_bytes(downloader.read(proof.signature or f"{place}.asc", _SIGNATURE_BYTES))
    verify(archive, signature, proof.key, proof.fingerprint)


def _chosen(name: str) -> str | None:
    """Rules, their data and the setup, without the folder that all of it lies in."""
    found = _RULES.fullmatch(name)
    return f"{FILES}/{found[1]}" if found is not None else None


def opened(archive: Path, into: Path, limits: SupplyLimits) -> Files:
    """Unpack a release, and write a manifest for it. Raises SupplyError."""
    with archive.open("rb") as file:
        files = unpack(file, into, limits, _chosen)
    if f"{FILES}/{_SETUP}" not in files or len(files) < 2:
        raise SupplyError("unpack", f"this is no release of OWASP CRS: it has no {_SETUP} or no rules")
    manifest = _manifest(into, files)
    (into / NAME).write_bytes(manifest.text())
    return {**files, NAME: (0, "")}


def _manifest(folder: Path, files: Files) -> Manifest:
    found = _VERSION.search((folder / FILES / _SETUP).read_bytes())
    if found is None:
        raise SupplyError("unpack", f"{_SETUP} does not say which version it is of")
    major, minor, patch = (int(part) for part in found.groups())
    content = digest_of({name.removeprefix(f"{FILES}/"): one for name, one in files.items()})
    number = major * 1_000_000 + minor * 1_000 + patch
    return Manifest(Kind.SECLANG, CRS, number, f"{major}.{minor}.{patch}", content)
