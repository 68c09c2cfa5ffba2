"""The words of the language: operators with the argument that each takes, field selectors, references.

Tables and small readers of one word each; errors are returned as text with the hint, the caller knows the place.
"""

from __future__ import annotations

import re
from enum import StrEnum

from revproxy.detection.rules import FIELDS, Target
from revproxy.detection.sigyaml.document import near
from revproxy.detection.sigyaml.patterns import problem
from revproxy.model import Action, Protocol, Severity


class Argument(StrEnum):
    """What an operator takes."""

    PATTERN = "a regular expression"
    TEXT = "text"
    TEXTS = "a list of texts"
    NUMBER = "a whole number"
    TRUE = "true"
    RANGES = "byte ranges such as 9,32-126"


OPERATORS: dict[str, Argument] = {
    "rx": Argument.PATTERN,
    "pm": Argument.TEXTS,
    "contains": Argument.TEXT,
    "streq": Argument.TEXT,
    "within": Argument.TEXT,
    "beginsWith": Argument.TEXT,
    "endsWith": Argument.TEXT,
    "eq": Argument.NUMBER,
    "gt": Argument.NUMBER,
    "lt": Argument.NUMBER,
    "ge": Argument.NUMBER,
    "le": Argument.NUMBER,
    "detectSQLi": Argument.TRUE,
    "detectXSS": Argument.TRUE,
    "detectShell": Argument.TRUE,
    "detectSQL": Argument.TRUE,
    "detectTemplate": Argument.TRUE,
    "validateByteRange": Argument.RANGES,
    "validateUtf8Encoding": Argument.TRUE,
    "ipMatch": Argument.TEXTS,
}
"""The operators of the language, by name, with what stands after the colon."""

REQUIRED = ("id", "name", "why", "references", "protocols", "fields", "match", "severity", "samples")
KEYS = (*REQUIRED, "transformations", "each_step", "score", "action", "tags")
"""The keys of a signature."""
SEVERITIES = {s.name.lower(): s for s in Severity}
ACTIONS = {"deny": Action.DENY, "drop": Action.DROP}
PROTOCOLS = {str(p): p for p in Protocol}

ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+){0,8}\Z")
REFERENCE = re.compile(r"(?:CWE-[0-9]{1,5}|CAPEC-[0-9]{1,5}|CVE-[0-9]{4}-[0-9]{4,7})\Z")
RANGES = re.compile(r"[0-9]{1,3}(?:-[0-9]{1,3})?(?: ?, ?[0-9]{1,3}(?:-[0-9]{1,3})?){0,255}\Z")
_COUNT = re.compile(r"count\((.{1,200})\)\Z")


class Misread(ValueError):
    """A word that means nothing here: the message, a hint, and the offset of the character."""

    def __init__(self, message: str, hint: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = offset


def target(text: str) -> Target:
    """Read a field selector: `args`, `headers:user-agent`, `headers:/^x-/`, `!cookies:session`, `count(args)`.

    Raises Misread.
    """
    exclude = text.startswith("!")
    body = text[1:] if exclude else text
    counted = _COUNT.match(body)
    body = counted[1] if counted else body
    field, colon, key = body.partition(":")
    spec = FIELDS.get(field)
    if spec is None:
        raise Misread(f"unknown field `{field}`", near(field, FIELDS))
    if exclude and counted:
        raise Misread("a count cannot be excluded")
    if not colon:
        return Target(field, count=bool(counted), exclude=exclude)
    if not spec.keyed:
        raise Misread(f"field `{field}` has no keys", f"write `{field}`")
    return _keyed(field, key, bool(counted), exclude, len(text) - len(key))


def _keyed(field: str, key: str, count: bool, exclude: bool, offset: int) -> Target:
    if len(key) > 1 and key.startswith("/") and key.endswith("/"):
        wrong = problem(key[1:-1])
        if wrong:
            raise Misread(wrong[0], "", offset + 1 + wrong[1])
        return Target(field, pattern=key[1:-1], count=count, exclude=exclude)
    if not key:
        raise Misread("no key after the colon", f"write `{field}` for all of them", offset)
    return Target(field, key=key.lower().encode(), count=count, exclude=exclude)


def protocols_of(targets: tuple[Target, ...]) -> frozenset[Protocol]:
    """The protocols that fill at least one of the chosen fields."""
    chosen = [FIELDS[t.field].protocols for t in targets if not t.exclude]
    return frozenset[Protocol]().union(*chosen)


def ranges(text: str) -> str:
    """Check byte ranges; returns them without blanks. Raises Misread."""
    if not RANGES.match(text):
        raise Misread("byte ranges look like `9,10,32-126`")
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if int(first) > int(last or first) or int(last or first) > 255:
            raise Misread(f"`{part}` is no range of bytes (0 to 255)")
    return text.replace(" ", "")
