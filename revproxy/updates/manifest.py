"""What a set of signatures says of itself, and the hash of what it holds.

A manifest is a small JSON object, `manifest.json`, that travels in the archive beside `files/`. Invariant: `content`
is a hash over the names, sizes and contents of all files, so two sets with the same one are the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from revproxy.config.values import is_set_name
from revproxy.errors import SupplyError

NAME: Final = "manifest.json"
FILES: Final = "files"
MOST_BYTES: Final = 16 * 1024
FORMAT: Final = 1
"""Of manifest and archive."""
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST_NUMBER: Final = 2**53


class Kind(StrEnum):
    """In which language a set is written."""

    SIGNATURES = "signatures"
    SECLANG = "seclang"


LANGUAGES: Final[Mapping[Kind, int]] = {Kind.SIGNATURES: 1, Kind.SECLANG: 1}
"""The version of each language that this program reads. It goes up when a set may say what older programs misread."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One set. `number` goes up with each that its role publishes; `version` is what people call it."""

    kind: Kind
    name: str
    number: int
    version: str
    content: str
    language: int = 1
    needs: tuple[str, ...] = ()
    """Words for what the program must be able to do; one that it does not know means that it cannot."""
    format: int = FORMAT

    def text(self) -> bytes:
        """As it stands in the archive."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"

    def __str__(self) -> str:
        return f"{self.name} {self.version} (number {self.number}, {self.content[:12]})"


def read_manifest(data: bytes) -> Manifest:
    """Raises SupplyError for anything but a manifest that this program can use."""
    if len(data) > MOST_BYTES:
        raise _wrong(f"larger than {MOST_BYTES} bytes")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise _wrong("no JSON") from None
    if not isinstance(found, dict):
        raise _wrong("no JSON object")
    if found.get("format") != FORMAT:
        raise _wrong(f"format {found.get('format')!r}; this program reads format {FORMAT}")
    return _usable(_manifest(found))


def _manifest(found: Mapping[str, Any]) -> Manifest:
    try:
        kind = Kind(found["kind"])
        needs = tuple(found.get("needs", ()))
        made = Manifest(
            kind, found["name"], found["number"], found["version"], found["content"], found["language"], needs
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _wrong(f"{type(error).__name__} {error}") from None
    for word, good in _well_formed(made):
        if not good:
            raise _wrong(f"its {word} is not well-formed")
    return made


def is_version(text: str) -> bool:
    """Whether people may call a set so."""
    return _VERSION.fullmatch(text) is not None


def _well_formed(made: Manifest) -> Iterable[tuple[str, bool]]:
    yield "name", isinstance(made.name, str) and is_set_name(made.name)
    yield "version", isinstance(made.version, str) and is_version(made.version)
    yield "content", isinstance(made.content, str) and _HASH.fullmatch(made.content) is not None
    yield "number", type(made.number) is int and 0 < made.number < _MOST_NUMBER
    yield "language", type(made.language) is int and made.language > 0
    yield "needs", all(isinstance(word, str) and len(word) <= 100 for word in made.needs)


def _usable(made: Manifest) -> Manifest:
    if made.language > LANGUAGES[made.kind]:
        raise _wrong(f"written in version {made.language} of its language; this program reads {LANGUAGES[made.kind]}")
    if made.needs:
        raise _wrong(f"it needs what this program does not have: {', '.join(made.needs)}")
    return made


def _wrong(reason: str) -> SupplyError:
    return SupplyError("manifest", f"{NAME}: {reason}")


def content_of(files: Mapping[str, bytes]) -> str:
    """The hash of files by name."""
    return digest_of({name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()})


def digest_of(files: Mapping[str, tuple[int, str]]) -> str:
    """The same from the size and the SHA-256 of each file."""
    lines = (f"{name}\0{size}\0{digest}\n" for name, (size, digest) in sorted(files.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
