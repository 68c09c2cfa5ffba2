"""Script injection into HTML, by a small tokenizer of our own: the stand-in where libinjection is absent.

A value is read as a browser would read it at five places of a page: as text, and inside an attribute value without
quotes or with either of three quotes. Dangerous are elements and attributes that run script, URLs of script schemes,
and declarations. Modest on purpose: it knows fewer tricks than libinjection, and nothing of encodings.
"""

from __future__ import annotations

import re
from typing import Final

from revproxy.codecs.marks import EQUALS, LESS

_ELEMENTS: Final = frozenset(
    b"applet base comment embed frame frameset handler iframe import isindex link listener meta noscript object "
    b"script style vmlframe xml xss svg math".split()
)
_ATTRIBUTES: Final = frozenset(b"style xmlns:xlink datasrc dataformatas filter formaction".split())
_URL_ATTRIBUTES: Final = frozenset(
    b"action by background dynsrc folder from handler href lowsrc src to values poster".split()
)
_SCHEMES: Final = (b"javascript:", b"vbscript:", b"data:", b"view-source:")
_IGNORED: Final = bytes(range(0x21))

_TAG: Final = re.compile(rb"<(/?)([A-Za-z][^\s>/\x00]{0,63})|<([!?])(\S{0,16})")
_ATTRIBUTE: Final = re.compile(
    rb"[\s/\x00]*([^\s=>/\x00\"'`]{1,64})[^\s=>/\x00\"'`]*[\s\x00]*"
    rb"(?:=[\s\x00]*(?:\"([^\"]{0,512})|'([^']{0,512})|`([^`]{0,512})|([^\s>]{0,512}))[\"'`]?)?"
)
_QUOTES: Final = (b'"', b"'", b"`")
_MOST_ATTRIBUTES: Final = 64


def is_xss(value: bytes) -> bool:
    """Whether any reading of the value would run script. Linear in its length."""
    if LESS not in value and EQUALS not in value:
        return False
    if _as_text(value):
        return True
    if _attributes(value, 0):
        return True
    for quote in _QUOTES:
        at = value.find(quote)
        if at >= 0 and _attributes(value, at + 1):
            return True
    return False


def _as_text(value: bytes) -> bool:
    read_to = 0
    for tag in _TAG.finditer(value):
        if tag[3] is not None:
            word = tag[4].lower()
            if tag[3] == b"?" or word.startswith((b"doctype", b"entity", b"[cdata[", b"--[if", b"--import")):
                return True
            continue
        name = tag[2].lower()
        if name in _ELEMENTS or name.startswith((b"svg", b"xsl")):
            return True
        # What was read as attributes once is not read again: the whole stays linear.
        if not tag[1] and tag.start() >= read_to:
            runs, read_to = _read_attributes(value, tag.end())
            if runs:
                return True
    return False


def _attributes(value: bytes, at: int) -> bool:
    return _read_attributes(value, at)[0]


def _read_attributes(value: bytes, at: int) -> tuple[bool, int]:
    """Whether one of the first 64 attributes from here to `>` runs script, and where reading ended."""
    for _ in range(_MOST_ATTRIBUTES):
        match = _ATTRIBUTE.match(value, at)
        if match is None:
            break
        content = next((part for part in match.groups()[1:] if part is not None), None)
        if content is not None and _runs_script(match[1].lower(), content):
            return True, match.end()
        at = match.end()
    return False, at


def _runs_script(name: bytes, content: bytes) -> bool:
    if name in _ATTRIBUTES or (name.startswith(b"on") and len(name) >= 5 and name.isalpha()):
        return True
    if name in _URL_ATTRIBUTES or name.endswith(b":href"):
        return content.translate(None, _IGNORED).lower().startswith(_SCHEMES)
    return False
