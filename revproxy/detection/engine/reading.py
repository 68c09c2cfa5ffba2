"""What a target selects: values of fields that were filled, and of those that only the engine knows.

The order of values within a field is the order in which they arrived. Whether a value is accepted is decided in
`executor`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from revproxy.detection.engine.state import Accepted, Lost, Rows, Scene, named
from revproxy.detection.operators.rx import matcher
from revproxy.detection.patterns import Flags, parse
from revproxy.detection.rules import (
    AS_WRITTEN,
    BODY_TYPE,
    FIELDS,
    IDENTITY,
    MATCHED,
    MATCHED_NAME,
    MATCHED_NAMES,
    MATCHED_ONE,
    PSEUDO,
    VARIABLE_NAMES,
    VARIABLES,
    Reference,
    Target,
    Template,
)
from revproxy.model import Fields

SHORT_KEY_BYTES: Final = 64
"""Of longer keys it is not remembered whether a pattern selects them."""
Selected = tuple[Sequence[bytes], Sequence[bytes]]
"""Keys and values, as many of these as of those."""
_NONE: Final[Selected] = ((), ())


def read(fields: Fields, name: str) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """(keys, values) of a field; of `X.names` the keys of `X`, each its own key."""
    base = names_of(name)
    if base is not None:
        keys = fields.keys(base)
        return keys, keys
    got = fields.get(name)
    return got if got is not None else ((), ())


def keys_of(fields: Fields, name: str) -> Sequence[bytes]:
    """A key for each value of a field that somebody fills, empty where it has none."""
    got = fields.get(name)
    if got is None:
        return ()
    return got[0] or (b"",) * len(got[1])


def names_of(name: str) -> str | None:
    """The keyed field whose keys are `name`, or None when `name` is a field that somebody fills."""
    if not name.endswith(".names"):
        return None
    base = name[: -len(".names")]
    spec = FIELDS.get(base)
    return base if spec is not None and spec.keyed else None


def key_test(target: Target) -> Callable[[bytes], Any] | None:
    """Whether a key is selected by the target; None when every key is."""
    if target.key is not None:
        wanted = target.key.lower()
        return lambda key: key.lower() == wanted
    if target.pattern is not None:
        return _remembering(matcher(parse(target.pattern, Flags(i=True))).test)
    return None


def _remembering(test: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    """The same test; names of variables and fields come again and again."""
    lately = lru_cache(maxsize=256)(test)
    return lambda key: lately(key) if len(key) <= SHORT_KEY_BYTES else test(key)


def _own(scene: Scene, name: str, before: Sequence[Accepted]) -> Selected:
    """Keys and values of a pseudo field. That of a chain is not here: its values keep their own names."""
    state = scene.state
    match name:
        case _ if name == VARIABLES:
            return list(state.variables), list(state.variables.values())
        case _ if name == VARIABLE_NAMES:
            names = list(state.variables)
            return names, names
        case _ if name == MATCHED:
            return [a.key for a in before], [a.value for a in before]
        case _ if name == MATCHED_NAMES:
            return (b"",) * len(before), [named(a, scene.fields) for a in before]
        case _ if name == MATCHED_ONE:
            return (b"",), (state.last.value,)
        case _ if name == MATCHED_NAME:
            return (b"",), (named(state.last, scene.fields),)
        case _ if name == IDENTITY:
            return (b"",), (scene.id,)
    raise LookupError(name)


class Selector:
    """One target less what the exclusions of its condition take out of it."""

    __slots__ = ("_base", "_key", "_lower", "_names", "_out", "_own", "_variable", "count", "field", "wanted")

    def __init__(self, target: Target, excluded: Sequence[Target]) -> None:
        self.field = target.field
        self.count = target.count
        self.wanted = target.key or b""
        self._own = target.field in PSEUDO
        self._variable = target.key.lower() if target.field == VARIABLES and target.key is not None else None
        self._names = names_of(target.field) is not None
        self._base = names_of(target.field) or target.field
        self._lower = target.key.lower() if target.key is not None and target.field in AS_WRITTEN else None
        """The key that is wanted of a field with keys in lower case."""
        self._key = key_test(target)
        self._out = [key_test(e) for e in excluded if e.field == target.field]

    def selected(self, scene: Scene, before: Sequence[Accepted], without: Sequence[Lost] = ()) -> Selected:
        """The selected keys and values; of a counting target the number alone. `without` are taken out too."""
        if self._variable is not None:
            # Their names are in lower case.
            value = scene.state.variables.get(self._variable)
            found = _NONE if value is None else ((self._variable,), (value,))
        elif self._own:
            found = _kept(_own(scene, self.field, before), self._key)
        else:
            found = self._filled(scene.fields)
        for out in self._out:
            found = _left(found, out)
        for lost in without:
            if lost.field == self.field:
                found = _left(found, lost.test)
        if self.count:
            return (self.wanted,), (b"%d" % len(found[1]),)
        return found

    def _filled(self, fields: Fields) -> Selected:
        got = fields.get(self._base)
        if got is None:
            return _NONE
        keys, values = got
        if self._names:
            values = keys
        elif not keys:
            keys = (b"",) * len(values)
        lower = self._lower
        if lower is None:
            return _kept((keys, values), self._key)
        places = [at for at, key in enumerate(keys) if key == lower] if lower in keys else ()
        return [lower] * len(places), [values[at] for at in places]


def _kept(found: Selected, test: Callable[[bytes], Any] | None) -> Selected:
    """Those with a key that passes the test."""
    if test is None:
        return found
    keys, values = found
    places = [at for at, key in enumerate(keys) if test(key)]
    return [keys[at] for at in places], [values[at] for at in places]


def _left(found: Selected, out: Callable[[bytes], Any] | None) -> Selected:
    """Those with a key that does not pass the test; none without one."""
    if out is None:
        return _NONE
    keys, values = found
    places = [at for at, key in enumerate(keys) if not out(key)]
    return [keys[at] for at in places], [values[at] for at in places]


class Gathering:
    """What several targets select of fields that no rule changes: the same for all rules with these targets, and so
    put together once for them all."""

    __slots__ = ("_selectors",)

    def __init__(self, selectors: Sequence[Selector]) -> None:
        self._selectors = selectors

    def rows(self, scene: Scene) -> Rows:
        """In the order of the targets."""
        known = scene.gathered.get(self)
        if known is None:
            known = scene.gathered[self] = Rows()
            for selector in self._selectors:
                keys, values = selector.selected(scene, ())
                if values:
                    known.add(selector.field, keys, values)
        return known


@lru_cache(maxsize=4096)
def gathering(targets: tuple[Target, ...]) -> Gathering | None:
    """The same one for the same targets; None where a rule may change what they select."""
    excluded = [t for t in targets if t.exclude]
    chosen = [t for t in targets if not t.exclude]
    if any(t.count or t.field in PSEUDO or t.field == BODY_TYPE for t in chosen):
        return None
    return Gathering([Selector(t, excluded) for t in chosen])


class _Part:
    """One part of a template."""

    def text(self, scene: Scene) -> bytes:
        raise NotImplementedError


class _Constant(_Part):
    def __init__(self, text: bytes) -> None:
        self._text = text

    def text(self, scene: Scene) -> bytes:
        return self._text


class _OfVariable(_Part):
    def __init__(self, name: bytes) -> None:
        self._name = name

    def text(self, scene: Scene) -> bytes:
        return scene.state.variables.get(self._name, b"")


class _OfLast(_Part):
    """The value accepted last."""

    def text(self, scene: Scene) -> bytes:
        return scene.state.last.value


class _OfOwn(_Part):
    """Of another pseudo field."""

    def __init__(self, name: str) -> None:
        self._name = name

    def text(self, scene: Scene) -> bytes:
        values = _own(scene, self._name, ())[1]
        return values[0] if values else b""


class _OfField(_Part):
    def __init__(self, name: str, key: bytes | None) -> None:
        self._name = name
        self._key = key

    def text(self, scene: Scene) -> bytes:
        keys, values = read(scene.fields, self._name)
        wanted = self._key
        if wanted is None:
            return values[0] if values else b""
        for at, key in enumerate(keys):
            if key.lower() == wanted:
                return values[at]
        return b""


def _part(part: bytes | Reference) -> _Part:
    if isinstance(part, bytes):
        return _Constant(part)
    if part.field == VARIABLES:
        return _OfVariable(part.key or b"")
    if part.field == MATCHED_ONE:
        return _OfLast()
    return _OfOwn(part.field) if part.field in PSEUDO else _OfField(part.field, part.key)


class Text:
    """A template, ready to be filled in."""

    __slots__ = ("_parts",)

    def __init__(self, template: Template) -> None:
        self._parts = [_part(part) for part in template]

    def filled(self, scene: Scene) -> bytes:
        """The text as things stand."""
        parts = self._parts
        if len(parts) == 1:
            return parts[0].text(scene)
        return b"".join([part.text(scene) for part in parts])
