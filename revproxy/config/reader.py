"""From nodes to dataclasses: one generic walk, driven by the dataclasses themselves and the tables of `schema`.

Everything that is wrong is noted with its place and the walk goes on, so that a person sees all of it at once.
`Reader.places` remembers where each value stood, for the checks that compare settings (`checks`).
"""

from __future__ import annotations

import dataclasses
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from revproxy.config import values
from revproxy.config.schema import DEFAULT_RANGES, RANGES, READERS, PathTo, Read
from revproxy.config.settings import FEED
from revproxy.config.tree import Tree

T = TypeVar("T")
Place = tuple[str | int, ...]
KEY = "@key"
"""Ends the place of a mapping's key itself, where `places` else means its value."""
BAD: Any = object()
"""What a value is that could not be read; it never leaves the reader's callers, since an error was noted."""


@cache
def hints(cls: type) -> dict[str, Any]:
    """Field names of a dataclass and their types."""
    return get_type_hints(cls)


def did_you_mean(word: str, known: list[str]) -> str:
    """A hint for a word that is not known."""
    close = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"known are: {', '.join(sorted(known))}" if known else ""


def is_null(node: Node) -> bool:
    """Nothing, `~` or `null`."""
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


class Reader:
    """Reads nodes of one tree; errors go to the tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.places: dict[Place, Node] = {}

    def nearest(self, place: Place) -> Node | None:
        """Where a setting stands, or else what it would stand in; None for one of the whole configuration."""
        while place and place not in self.places:
            place = place[:-1]
        return self.places.get(place)

    def pairs(self, node: Node, place: Place, known: list[str] | None) -> dict[str, Node]:
        """A mapping's entries; keys that are not in `known` are errors."""
        if not isinstance(node, MappingNode):
            if not is_null(node):
                self.tree.error(f"{_words(place)} is a mapping", node)
            return {}
        found: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.tree.error("a key is a plain word", key)
            elif known is not None and key.value not in known:
                self.tree.error(f"unknown setting {key.value!r}", key, did_you_mean(key.value, known))
            else:
                found[key.value] = value
                self.places[(*place, key.value)] = value
                self.places[(*place, key.value, KEY)] = key
        return found

    def items(self, node: Node, place: Place) -> list[Node]:
        """A list's items; a single value counts as a list of one."""
        if is_null(node):
            return []
        if isinstance(node, MappingNode):
            self.tree.error(f"{_words(place)} is a list", node)
            return []
        found = node.value if isinstance(node, SequenceNode) else [node]
        self.places.update({(*place, index): item for index, item in enumerate(found)})
        return list(found)

    def fields(self, cls: type, node: Node, place: Place, given: dict[str, Any] | None = None) -> dict[str, Any]:
        """The fields of a dataclass that a mapping sets; `given` are known already and cannot be set."""
        given = given or {}
        types = {f.name: hints(cls)[f.name] for f in dataclasses.fields(cls) if f.name not in given}
        found = self.pairs(node, place, list(types))
        read = {key: self.value(cls, key, types[key], value, (*place, key)) for key, value in found.items()}
        return {**given, **{key: value for key, value in read.items() if value is not BAD}}

    def make(self, cls: type[T], node: Node, place: Place, given: dict[str, Any] | None = None) -> T:
        """A whole dataclass, or BAD when something that it needs is missing."""
        found = self.fields(cls, node, place, given)
        asked = {key.value for key, _ in node.value} if isinstance(node, MappingNode) else set()
        shape: Any = cls
        missing = [f.name for f in dataclasses.fields(shape) if _required(f) and f.name not in found]
        for name in missing:
            if name not in asked:
                self.tree.error(f"{_words(place)} has no {name!r}", node)
        return BAD if missing else cls(**found)

    def value(self, cls: type, key: str, hint: Any, node: Node, place: Place) -> Any:
        """One field's value, or BAD."""
        if get_origin(hint) in (Union, UnionType):
            if is_null(node):
                return None
            hint = next(arg for arg in get_args(hint) if arg is not NoneType)
        reader = READERS.get((cls, key))
        if get_origin(hint) is tuple:
            item = get_args(hint)[0]
            found = [self.one(cls, key, item, reader, n, (*place, i)) for i, n in enumerate(self.items(node, place))]
            return tuple(one for one in found if one is not BAD)
        return self.one(cls, key, hint, reader, node, place)

    def one(self, cls: type, key: str, hint: Any, reader: Read | PathTo | None, node: Node, place: Place) -> Any:
        """A value that is no list, or BAD."""
        if reader is None and dataclasses.is_dataclass(hint):
            nested: Any = hint
            return self.make(nested, node, place)
        if not isinstance(node, ScalarNode) or is_null(node):
            self.tree.error(
                f"{_words(place)} is a single value" if not is_null(node) else "the value is missing", node
            )
            return BAD
        if isinstance(reader, PathTo):
            return self.path(reader, node)
        return self.scalar(reader or _reader(key, hint), node, RANGES.get((cls, key)) or DEFAULT_RANGES.get(hint))

    def scalar(self, read: Read, node: ScalarNode, limits: tuple[float, float] | None = None) -> Any:
        """A scalar through its reader and within its range, or BAD."""
        try:
            made = read(node.value)
        except ValueError as error:
            self.tree.error(str(error), node)
            return BAD
        if limits and not limits[0] <= made <= limits[1]:
            self.tree.error(f"{node.value} is out of range: {limits[0]:g} to {limits[1]:.15g}", node)
            return BAD
        return made

    def path(self, kind: PathTo, node: ScalarNode) -> Any:
        """An absolute path, or BAD when it must exist and does not; the set of a feed as it is written."""
        if kind.or_feed and node.value.startswith(FEED):
            return self.scalar(values.feed_name, node)
        if not node.value or "\0" in node.value:
            self.tree.error("the path is empty", node)
            return BAD
        path = Path(node.value)
        made = path if path.is_absolute() else Path(self.tree.folder(node), path)
        if kind.must_exist and not made.exists():
            self.tree.error(f"there is no {kind.what} {made}", node)
            return BAD
        return str(made)


def _reader(key: str, hint: Any) -> Read:
    """How a field is read that has no row in the table."""
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _choice(hint)
    if hint is bool:
        return values.boolean
    if hint is float:
        return values.duration
    if hint is int:
        return values.size if key.endswith("_bytes") else values.integer
    return values.word


def _choice(enum: type[StrEnum]) -> Read:
    def read(text: str) -> StrEnum:
        try:
            return enum(text)
        except ValueError:
            raise ValueError(f"{text!r} is not one of {', '.join(enum)}") from None

    return read


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _words(place: Place) -> str:
    """A place for a person: `listeners[2].tls`."""
    text = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in place)
    return text.removeprefix(".") or "the configuration"
