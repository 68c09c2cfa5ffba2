"""What is wrong with a multipart body, in the words of ModSecurity's MULTIPART_ variables.

A reader stops where a body breaks its type; what broke it is told from its reason and from what it had not read yet.
Invariant: `strict_error` stands wherever any other flaw does, and for every body that broke.
"""

from __future__ import annotations

import re

STRICT = "strict_error"
FLAWS = (
    STRICT,
    "boundary_quoted",
    "boundary_whitespace",
    "crlf_lf_lines",
    "data_after",
    "data_before",
    "file_limit_exceeded",
    "header_folding",
    "invalid_header_folding",
    "invalid_part",
    "invalid_quoting",
    "lf_line",
    "missing_semicolon",
    "unmatched_boundary",
)
"""All of them. Bodies of too many parts are refused, and what follows a fold is never looked at: two never occur."""

FLAWED = frozenset({STRICT})
"""Of a body that can be read, and that others may read differently."""
_TYPE = b"multipart/form-data"
_BLANK = (b" ", b"\t")
_LOOKED_AT = 64 * 1024
"""Bytes from the place that broke a body in which the reason is looked for."""
_FOLDED = re.compile(rb"\n[ \t]")
_LONE_LF = re.compile(rb"(?<!\r)\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


def flaws_of_type(content_type: bytes) -> frozenset[str]:
    """Flaws of a Content-Type that begins with multipart/form-data."""
    found = set()
    before, boundary, rest = content_type.partition(b"boundary")
    if boundary:
        if b";" not in before[len(_TYPE) :]:
            found.add("missing_semicolon")
        name, _, value = rest.partition(b"=")
        if name[:1] in _BLANK or value[:1] in _BLANK:
            found.add("boundary_whitespace")
        if value[:1] == b'"':
            found.add("boundary_quoted")
    return _with_strict(found)


def flaws_of_break(reason: str, unread: bytes, boundary: bytes) -> frozenset[str]:
    """Flaws of a body that broke for `reason` (`content.multipart`, `content.parthead`) before `unread`."""
    rest = unread[:_LOOKED_AT]
    found = set(_REASONS.get(reason, ()))
    if reason in ("multipart_header", "multipart_disposition"):
        found |= _flaws_of_head(_HEAD_END.split(rest, 1)[0], reason)
    elif reason in ("multipart_delimiter", "multipart_unfinished") and _lone_lf_beside(rest, boundary):
        found.add("lf_line")
    if "lf_line" in found and b"\r\n" in rest:
        found.add("crlf_lf_lines")
    return FLAWED | found


_REASONS: dict[str, tuple[str, ...]] = {
    "multipart_preamble": ("data_before",),
    "multipart_epilogue": ("data_after",),
}


def _flaws_of_head(head: bytes, reason: str) -> set[str]:
    if _FOLDED.search(head):
        return {"header_folding"}
    if _LONE_LF.search(head):
        return {"lf_line"}
    if reason != "multipart_disposition":
        return set()
    return {"invalid_quoting" if b"='" in head else "invalid_part"}


def _lone_lf_beside(rest: bytes, boundary: bytes) -> bool:
    """Whether a delimiter, or the place where the reader stopped behind one, has a line end without CR."""
    if rest[:1] == b"\n":
        return True
    at = rest.find(b"\n--" + boundary)
    if at < 0:
        return False
    behind = at + 3 + len(boundary)
    return rest[at - 1 : at] != b"\r" or rest[behind : behind + 1] == b"\n"


def _with_strict(found: set[str]) -> frozenset[str]:
    return FLAWED | found if found else frozenset()
