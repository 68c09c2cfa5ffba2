"""YAML as nodes that know their line, and readers of single values. Everything that is wrong is collected, with its
place; no word of go-ftw is known here."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import re2
import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from revproxy.errors import ConfigError, Location

Read = Callable[[Node], Any]
"""Raises ValueError with what is wrong."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PREFIX = "tag:yaml.org,2002:"
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
_NESTING = 100
_PATTERN_MEMORY = 16 * 1024 * 1024


class YamlFile:
    """One file. `root` is None when it is empty or no YAML at all; then that is in `errors`."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.errors: list[ConfigError] = []
        self._lines = text.splitlines()
        self.root = self._compose(text)

    def where(self, node: Node) -> Location:
        """Where a node begins."""
        return Location(self.name, node.start_mark.line + 1, node.start_mark.column + 1)

    def wrong(self, node: Node, message: str, hint: str = "") -> None:
        """Note an error at a node."""
        where = self.where(node)
        source = self._lines[where.line - 1] if where.line <= len(self._lines) else ""
        self.errors.append(ConfigError(message, where, source, hint))

    def read(self, node: Node, readers: Mapping[str, Read], lenient: bool = False) -> dict[str, Any]:
        """A mapping's values, each through its reader; what is null is left out.

        A key without a reader is an error unless `lenient`: what a test asks for must not be passed over.
        """
        if not isinstance(node, MappingNode):
            self.wrong(node, "a mapping stands here", f"of {', '.join(readers)}")
            return {}
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else ""
            if name not in readers:
                if not lenient:
                    self.wrong(key, f"unknown word {name!r}", _near(name, readers))
            elif name in found:
                self.wrong(key, f"{name!r} stands twice")
            elif not is_null(value):
                try:
                    found[name] = readers[name](value)
                except ValueError as error:
                    self.wrong(value, f"{name}: {error}")
        return found

    def _compose(self, text: str) -> Node | None:
        try:
            _measure(text)
            root: Node | None = yaml.compose(text, _LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            why = " ".join(filter(None, (error.context, error.problem)))
            where = Location(self.name, mark.line + 1, mark.column + 1) if mark else Location(self.name)
            self.errors.append(ConfigError(f"this is no YAML: {why}", where))
            return None
        except yaml.YAMLError as error:
            self.errors.append(ConfigError(f"this is no YAML: {error}", Location(self.name)))
            return None
        if root is None:
            self.errors.append(ConfigError("this file is empty", Location(self.name)))
        return root


def _measure(text: str) -> None:
    """Raises YAMLError for what is nested so deeply that composing it, which recurses in C, would crash."""
    depth = 0
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _NESTING:
                mark: Any = event.start_mark
                raise yaml.MarkedYAMLError(problem=f"nested deeper than {_NESTING}", problem_mark=mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _near(word: str, known: Mapping[str, Read]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}"


def is_null(node: Node) -> bool:
    """Nothing, `~` or `null`."""
    return bool(node.tag == _PREFIX + "null")


def text(node: Node) -> str:
    """A single value as it is written: 0300 stays 0300."""
    if not isinstance(node, ScalarNode):
        raise ValueError("a single value is expected")
    return str(node.value)


def octets(node: Node) -> bytes:
    """A single value as UTF-8."""
    return text(node).encode("utf-8", "surrogatepass")


def encoded(node: Node) -> bytes:
    """A value in base64, which may be broken into lines."""
    try:
        return base64.b64decode("".join(text(node).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"this is no base64: {error}") from None


def boolean(node: Node) -> bool:
    """Yes or no."""
    word = text(node).lower()
    if word not in _TRUE + _FALSE:
        raise ValueError("true or false is expected")
    return word in _TRUE


def number(node: Node) -> int:
    """A whole number that is not negative."""
    word = text(node)
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise ValueError("a number is expected")
    return int(word)


def several(read: Callable[[Node], Any], single: bool = False) -> Read:
    """A list of what `read` takes; where `single`, one of it may stand alone."""

    def reader(node: Node) -> tuple[Any, ...]:
        if isinstance(node, SequenceNode):
            return tuple(read(one) for one in node.value)
        if single and isinstance(node, ScalarNode):
            return (read(node),)
        raise ValueError("a list is expected")

    return reader


def pattern(node: Node) -> Any:
    """A regular expression, as a google-re2 program over bytes: no other engine ever runs one of a file."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY
    try:
        return re2.compile(octets(node), options)
    except re2.error as error:
        raise ValueError(f"google-re2 does not take this pattern: {error}") from None
