"""Numbers, rule ids and ranges of them, in texts."""

from __future__ import annotations

import re

from revproxy.detection.seclang.source import Log, shown
from revproxy.detection.seclang.tree import IdRange, Text

_DIGITS = re.compile(rb"[0-9]{1,18}\Z")
_ID = re.compile(rb"[1-9][0-9]{0,17}\Z")
_RANGE = re.compile(rb"([1-9][0-9]{0,17})(?:-([1-9][0-9]{0,17}))?\Z")
_PIECE = re.compile(rb"[^, \t]++")


def number(text: Text, least: int, most: int, log: Log) -> int | None:
    """A whole decimal number in a range; None, noted, when it is none."""
    if _DIGITS.match(text.value) and least <= int(text.value) <= most:
        return int(text.value)
    log.wrong(text.where, f"a whole number from {least} to {most} must stand here")
    return None


def rule_id(text: Text, log: Log) -> int | None:
    """A rule's id; None, noted, when it is none."""
    if _ID.match(text.value):
        return int(text.value)
    log.wrong(text.where, f"`{shown(text.value)}` is no id", "a whole number from 1, without leading zeros")
    return None


def ids(text: Text, log: Log) -> tuple[IdRange, ...]:
    """Ids and ranges of them, `1 2,10-19`; those that are wrong are noted and left out."""
    found: list[IdRange] = []
    for piece in _PIECE.finditer(text.value):
        match = _RANGE.match(piece[0])
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first <= last:
            found.append(IdRange(first, last))
            continue
        message = f"`{shown(piece[0])}` is no id and no range of ids"
        log.wrong(text.at(piece.start()), message, "942100 or 942100-942199")
        if log.full:
            break
    if not text.value.strip(b", \t"):
        log.wrong(text.where, "an id is missing here")
    return tuple(found)
