"""Making the archive of a set: the same files always give the same bytes.

What goes in is chosen by kind; a name that `unpack` would refuse is an error here, at whoever publishes.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from revproxy.errors import ConfigError, Location
from revproxy.updates.manifest import FILES, NAME, Kind, Manifest, content_of

SUFFIXES: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.SIGNATURES: (".yaml", ".yml"),
    Kind.SECLANG: (".conf", ".data", "crs-setup.conf.example"),
}
_CRS: Final = "rules"


def kind_of(folder: Path) -> Kind:
    """What a folder holds. Raises ConfigError for one with nothing of either kind, or with both."""
    if (folder / _CRS).is_dir() and files_of(folder, Kind.SECLANG):
        # A release of CRS has its tests beside its rules, which are YAML.
        return Kind.SECLANG
    found = [kind for kind in Kind if files_of(folder, kind)]
    if len(found) != 1:
        what = (
            "no signatures (.yaml) and no rules (.conf)" if not found else "signatures and rules: publish each alone"
        )
        raise ConfigError(f"this folder holds {what}", Location(str(folder)))
    return found[0]


def files_of(folder: Path, kind: Kind) -> dict[str, Path]:
    """The files of that kind in and below a folder, by their names in a set; of a CRS folder its setup and rules."""
    roots = [folder]
    if kind is Kind.SECLANG and (folder / _CRS).is_dir():
        roots = [folder / _CRS]
    found = [path for root in roots for path in root.rglob("*") if path.name.endswith(SUFFIXES[kind])]
    if roots != [folder]:
        found += [path for path in folder.glob("crs-setup.conf*") if path.name.endswith(SUFFIXES[kind])]
    return {str(path.relative_to(folder)): path for path in sorted(found) if path.is_file()}


def read_set(folder: Path, kind: Kind) -> dict[str, bytes]:
    """The contents of these files. Raises ConfigError for one that cannot be read, or is a link."""
    return {name: _read(path) for name, path in files_of(folder, kind).items()}


def _read(path: Path) -> bytes:
    if path.is_symlink():
        raise ConfigError("this is a link; a set holds plain files", Location(str(path)))
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", Location(str(path))) from None


def pack(files: Mapping[str, bytes], kind: Kind, name: str, number: int, version: str) -> bytes:
    """The archive of these files."""
    manifest = Manifest(kind, name, number, version, content_of(files))
    held = {NAME: manifest.text(), **{f"{FILES}/{path}": data for path, data in sorted(files.items())}}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, data in held.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)
