"""What a target selects: values of fields that were filled, and of those that only the engine knows.

The order of values within a field is the order in which they arrived. Whether a value is accepted is decided in
`executor`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from revproxy.detection.engine.state import Accepted, Lost, Row, Scene, named
from revproxy.detection.operators.rx import matcher
from revproxy.detection.patterns import Flags, parse
from revproxy.detection.rules import (
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

SHORT_KEY_BYTES = 64
"""Of longer keys it is not remembered whether a pattern selects them."""
Pair = tuple[bytes, bytes]
"""A key and its value."""


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


def _own(scene: Scene, name: str, before: Sequence[Accepted]) -> Sequence[Pair]:
    """Keys and values of a pseudo field. That of a chain is not here: its values keep their own names."""
    state = scene.state
    match name:
        case _ if name == VARIABLES:
            return list(state.variables.items())
        case _ if name == VARIABLE_NAMES:
            return [(k, k) for k in state.variables]
        case _ if name == MATCHED:
            return [(a.key, a.value) for a in before]
        case _ if name == MATCHED_NAMES:
            return [(b"", named(a, scene.fields)) for a in before]
        case _ if name == MATCHED_ONE:
            return [(b"", state.last.value)]
        case _ if name == MATCHED_NAME:
            return [(b"", named(state.last, scene.fields))]
        case _ if name == IDENTITY:
            return [(b"", scene.id)]
    raise LookupError(name)


class Selector:
    """One target less what the exclusions of its condition take out of it."""

    __slots__ = ("_base", "_key", "_names", "_out", "_own", "_variable", "count", "field", "wanted")

    def __init__(self, target: Target, excluded: Sequence[Target]) -> None:
        self.field = target.field
        self.count = target.count
        self.wanted = target.key or b""
        self._own = target.field in PSEUDO
        self._variable = target.key.lower() if target.field == VARIABLES and target.key is not None else None
        self._names = names_of(target.field) is not None
        self._base = names_of(target.field) or target.field
        self._key = key_test(target)
        self._out = [key_test(e) for e in excluded if e.field == target.field]

    def pairs(self, scene: Scene, before: Sequence[Accepted], without: Sequence[Lost] = ()) -> Sequence[Pair]:
        """The selected keys and values; of a counting target the number alone. `without` are taken out too."""
        pairs: Sequence[Pair]
        if self._variable is not None:
            # Their names are in lower case.
            value = scene.state.variables.get(self._variable)
            pairs = () if value is None else ((self._variable, value),)
        else:
            pairs = self._chosen(_own(scene, self.field, before)) if self._own else self._filled(scene.fields)
        for out in self._out:
            pairs = [] if out is None else [p for p in pairs if not out(p[0])]
        for field, test in without:
            if field == self.field:
                pairs = [] if test is None else [p for p in pairs if not test(p[0])]
        if self.count:
            return ((self.wanted, b"%d" % len(pairs)),)
        return pairs

    def _filled(self, fields: Fields) -> Sequence[Pair]:
        got = fields.get(self._base)
        if got is None:
            return ()
        keys, values = got
        if self._names:
            values = keys
        elif not keys:
            keys = (b"",) * len(values)
        return self._chosen(list(zip(keys, values, strict=True)))

    def _chosen(self, pairs: Sequence[Pair]) -> Sequence[Pair]:
        test = self._key
        return pairs if test is None else [pair for pair in pairs if test(pair[0])]


class Gathering:
    """What several targets select of fields that no rule changes: the same for all rules with these targets, and so
    put together once for them all."""

    __slots__ = ("_selectors",)

    def __init__(self, selectors: Sequence[Selector]) -> None:
        self._selectors = selectors

    def rows(self, scene: Scene) -> Sequence[Row]:
        """In the order of the targets."""
        known = scene.gathered.get(self) if scene.gathered is not None else None
        if known is None:
            known = [(s.field, key, value) for s in self._selectors for key, value in s.pairs(scene, ())]
            if scene.gathered is not None:
                scene.gathered[self] = known
        return known


@lru_cache(maxsize=4096)
def gathering(targets: tuple[Target, ...]) -> Gathering | None:
    """The same one for the same targets; None where a rule may change what they select."""
    excluded = [t for t in targets if t.exclude]
    chosen = [t for t in targets if not t.exclude]
    if any(t.count or t.field in PSEUDO or t.field == BODY_TYPE for t in chosen):
        return None
    return Gathering([Selector(t, excluded) for t in chosen])


Expand = Callable[[Scene], bytes]


def expander(template: Template) -> Expand:
    """What fills in one template: as `expand`, made once."""
    match template:
        case ():
            return lambda scene: b""
        case (bytes() as text,):
            return lambda scene: text
        case (Reference(field, key),) if field == VARIABLES:
            name = key or b""
            return lambda scene: scene.state.variables.get(name, b"")
        case _:
            return lambda scene: expand(template, scene)


def expand(template: Template, scene: Scene) -> bytes:
    """The text of a template as things stand."""
    return b"".join([part if isinstance(part, bytes) else _first(part, scene) for part in template])


def _first(reference: Reference, scene: Scene) -> bytes:
    name, key = reference.field, reference.key
    if name == VARIABLES:
        return scene.state.variables.get(key or b"", b"")
    if name in PSEUDO:
        pairs = _own(scene, name, ())
        return pairs[0][1] if pairs else b""
    keys, values = read(scene.fields, name)
    if key is None:
        return values[0] if values else b""
    return next((v for k, v in zip(keys, values, strict=True) if k.lower() == key), b"")
