"""What an image consists of, read from its file system: Debian's packages and Python's, as CycloneDX or as a list.

    python3 sbom.py ROOT            CycloneDX 1.5, JSON
    python3 sbom.py ROOT --list     one a line: kind, name, version, licence

Needs nothing but Python. The order is fixed and there is no date in it: the same image has the same list.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from urllib.parse import quote

_STATUS = "var/lib/dpkg/status.d"
_INFO = "opt/revproxy/lib/python3*/site-packages/*.dist-info/METADATA"


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One part of the image."""

    kind: str
    name: str
    version: str
    licence: str

    @property
    def purl(self) -> str:
        """Its name in the language of package URLs."""
        kind = "deb/debian" if self.kind == "deb" else "pypi"
        return f"pkg:{kind}/{quote(self.name)}@{quote(self.version)}"


def packages(root: Path) -> list[Package]:
    """All of them, in a fixed order."""
    return sorted([*_debian(root), *_python(root)])


def _debian(root: Path) -> Iterator[Package]:
    for file in (root / _STATUS).glob("*"):
        told = HeaderParser().parsestr(file.read_text("utf-8"))
        yield Package("deb", told["Package"], told["Version"], f"see usr/share/doc/{told['Package']}/copyright")


def _python(root: Path) -> Iterator[Package]:
    for file in root.glob(_INFO):
        told = HeaderParser().parsestr(file.read_text("utf-8"))
        licence = (
            told["License-Expression"] or _first_line(told["License"]) or _classified(told.get_all("Classifier"))
        )
        yield Package("python", told["Name"].lower(), told["Version"], licence or "unknown")


def _first_line(text: str | None) -> str:
    """Some put a whole licence where its name belongs."""
    return (text or "").split("\n")[0].strip()


def _classified(rows: list[str] | None) -> str:
    return " or ".join(row.rpartition(" :: ")[2] for row in rows or () if row.startswith("License :: "))


def cyclonedx(found: list[Package]) -> dict[str, object]:
    """The document."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "components": [
            {
                "type": "library",
                "bom-ref": package.purl,
                "name": package.name,
                "version": package.version,
                "purl": package.purl,
                "licenses": [{"license": {"name": package.licence}}],
            }
            for package in found
        ],
    }


def main(root: Path, as_list: bool) -> None:
    """Print it."""
    found = packages(root)
    if as_list:
        print("\n".join(f"{each.kind}\t{each.name}\t{each.version}\t{each.licence}" for each in found))
    else:
        print(json.dumps(cyclonedx(found), indent=2, sort_keys=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--list" in sys.argv[2:])
