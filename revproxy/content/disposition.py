"""The Content-Disposition of one part of a form: its field, its file name, and what others may take for that.

Invariants: `form-data`, one `name`, at most one `filename`, no RFC 2231 forms (`filename*=`, which RFC 7578 4.2
forbids here). A backslash before a quote ends a string for some readers and does not for others: such a value is
read only where all of them agree whether the part is a file, and the other names are told besides. Everything else
is a ContentError("multipart_disposition").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from revproxy.errors import ContentError

REASON: Final = "multipart_disposition"
_TOKEN: Final = rb"[!#$%&*+.^_`|~0-9A-Za-z-]+"
_BEFORE: Final = rb"[ \t]*;[ \t]*(" + _TOKEN + rb")=(?:(" + _TOKEN + rb')|"('
_BEHIND: Final = rb')")(?=[ \t]*(?:;|\Z))'
# Where no backslash stands before a quote, a backslash is a letter: browsers send the paths of Windows so.
_CLEAN: Final = re.compile(_BEFORE + rb'(?:[^"\\\t]|\\(?!"))*' + _BEHIND)
_ESCAPED: Final = re.compile(_BEFORE + rb'(?:[^"\\\t]|\\[^\t])*' + _BEHIND)
_PAIR: Final = re.compile(rb'\\(["\\])')
_AMBIGUOUS: Final = b'\\"'


@dataclass(frozen=True, slots=True)
class Disposition:
    """`filename` is None for a field."""

    field: bytes
    filename: bytes | None
    ambiguous: bool = False
    """readers differ about it, though not about whether the part is a file"""
    others: tuple[bytes, ...] = ()
    """what other readers take for the file's name, or for the field's where there is no file"""


def parse_disposition(value: bytes) -> Disposition:
    """`value` has no blank at its ends. Raises ContentError("multipart_disposition")."""
    if value[:9].lower() != b"form-data":
        raise ContentError(REASON)
    if _AMBIGUOUS not in value:
        table = _parameters(value, _CLEAN)
        return Disposition(table[b"name"], table.get(b"filename"))
    table = _parameters(value, _ESCAPED)
    _check_agreed(value, b"filename" in table)
    read = {name: _PAIR.sub(rb"\1", text) for name, text in table.items()}
    told = b"filename" if b"filename" in table else b"name"
    return Disposition(read[b"name"], read.get(b"filename"), True, _others(table[told], read[told]))


def _parameters(value: bytes, pattern: re.Pattern[bytes]) -> dict[bytes, bytes]:
    at = 9
    parameters: dict[bytes, bytes] = {}
    while at < len(value):
        found = pattern.match(value, at)
        if found is None or b"*" in found[1] or found[1].lower() in parameters:
            raise ContentError(REASON)
        at = found.end()
        parameters[found[1].lower()] = found[3] if found[2] is None else found[2]
    if b"name" not in parameters:
        raise ContentError(REASON)
    return parameters


def _check_agreed(value: bytes, is_file: bool) -> None:
    """The word `filename` is nowhere in the value, or once, as a parameter that begins before anything ambiguous."""
    before, word, behind = value.lower().partition(b"filename")
    agreed = not word if not is_file else word not in behind and _AMBIGUOUS not in before
    if not agreed:
        raise ContentError(REASON)


def _others(written: bytes, read: bytes) -> tuple[bytes, ...]:
    """With all its backslashes, and up to the first quote."""
    return tuple({name: None for name in (written, written.partition(b'"')[0]) if name != read})
