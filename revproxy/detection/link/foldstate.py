"""What is known of a transaction's variables at one place among the rules, whatever the transaction.

A variable is known to have a value, known not to be there, or unknown. Names are in lower case. Nothing here knows a
rule, or an order of rules: places are numbers that only grow, and doubts are reasons for which a rule may not run.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from revproxy.detection.operators.numbers import number
from revproxy.detection.operators.rx import matcher
from revproxy.detection.patterns import Flags, parse
from revproxy.detection.rules import VARIABLE_NAMES, VARIABLES, Assign, Reference, Template


class _Unknown(Enum):
    UNKNOWN = "unknown"


UNKNOWN: Final = _Unknown.UNKNOWN
Value = bytes | None | _Unknown
"""None: there is no such variable."""

DIGITS = tuple(b"%d" % digit for digit in range(10))
"""Names of what a pattern captured last."""
BEFORE = -1
"""The place before all rules."""
Doubts = frozenset[Hashable]
NO_DOUBTS: Doubts = frozenset()


@dataclass(frozen=True, slots=True)
class Names:
    """Some names: a single one, or all that begin with `prefix`, or all in which `pattern` is found."""

    one: bytes | None = None
    prefix: bytes = b""
    pattern: str | None = None

    def has(self, name: bytes) -> bool:
        """Whether this name is one of them."""
        if self.one is not None:
            return name == self.one
        return _found(self.pattern)(name) if self.pattern is not None else name.startswith(self.prefix)

    def meets(self, other: Names) -> bool:
        """Whether some name may be one of both: there is no answer for two patterns, so that it is yes."""
        if self.one is not None:
            return other.has(self.one)
        if other.one is not None:
            return self.has(other.one)
        if self.pattern is not None or other.pattern is not None:
            return True
        return self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix)


EVERY = Names()


@lru_cache(maxsize=1024)
def _found(pattern: str) -> Callable[[bytes], bool]:
    try:
        return matcher(parse(pattern, Flags(i=True))).test
    except ValueError:
        return lambda name: True  # linking says where it is wrong


class _Known(NamedTuple):
    value: bytes | None
    place: int
    doubts: Doubts


class Variables:
    """What is known. Each change is remembered with its place, so that changes since a place can be taken back: all
    of them together cost no more than making them did.

    What a rule in doubt has changed is known to those that share all its doubts: where they run, it has run.
    """

    __slots__ = ("_known", "_lengths", "_prefixes", "_vague", "doubts")

    def __init__(self, given: Mapping[bytes, bytes]) -> None:
        """What is not given is not there."""
        self._known = {name.lower(): _Known(value, BEFORE, NO_DOUBTS) for name, value in given.items()}
        """In the order of their changes."""
        self.doubts = NO_DOUBTS
        """Those of the rule that looks now."""
        self._vague: set[bytes] = set()
        self._prefixes: set[bytes] = set()
        self._lengths: set[int] = set()

    def get(self, name: bytes) -> Value:
        """Its value, None where it is not there, or `UNKNOWN`."""
        entry = self._known.get(name)
        if entry is not None:
            return entry.value if entry.doubts <= self.doubts else UNKNOWN
        vague = name in self._vague or any(name[:length] in self._prefixes for length in self._lengths)
        return UNKNOWN if vague else None

    def put(self, name: bytes, value: bytes | None, place: int) -> None:
        """It is known from this place on: to all, or to those with the same doubts."""
        self._known.pop(name, None)
        self._known[name] = _Known(value, place, self.doubts)

    def blur(self, names: Names) -> None:
        """They are not known any more."""
        if names.one is not None:
            self._known.pop(names.one, None)
            self._vague.add(names.one)
            return
        for name in [n for n in self._known if n.startswith(names.prefix)]:
            del self._known[name]
        self._prefixes.add(names.prefix)
        self._lengths.add(len(names.prefix))

    def blur_since(self, place: int) -> None:
        """What has changed after that place may have changed or not."""
        while self._known:
            name, entry = next(reversed(self._known.items()))
            if entry.place <= place:
                return
            self.blur(Names(name))


def assigned(before: bytes | None, how: Assign, value: bytes) -> bytes | None:
    """What becomes of a variable."""
    match how:
        case Assign.SET:
            return value
        case Assign.ADD:
            return b"%d" % (number(before or b"") + number(value))
        case Assign.SUBTRACT:
            return b"%d" % (number(before or b"") - number(value))
        case Assign.UNSET:
            return None


def fill(template: Template, variables: Variables) -> Template:
    """The template with what is known filled in, and no two texts side by side."""
    parts: list[bytes | Reference] = []
    for part in template:
        if isinstance(part, Reference) and part.field == VARIABLES:
            value = variables.get(part.key or b"")
            part = part if value is UNKNOWN else value or b""
        if isinstance(part, bytes) and parts and isinstance(parts[-1], bytes):
            parts[-1] += part
        else:
            parts.append(part)
    return tuple(parts)


def names_of(template: Template) -> Names:
    """The names that the template of a name can give."""
    text = template[0].lower() if template and isinstance(template[0], bytes) else b""
    whole = len(template) < 2 and (not template or isinstance(template[0], bytes))
    return Names(text) if whole else Names(prefix=text)


def read_by(template: Template) -> Iterator[Names]:
    """The variables that a template asks for."""
    for part in template:
        if isinstance(part, Reference):
            if part.field == VARIABLES:
                yield Names(part.key or b"")
            elif part.field == VARIABLE_NAMES:
                yield EVERY
