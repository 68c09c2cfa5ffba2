"""From files to one tree of YAML nodes, each of which knows its file, line and column.

Includes are resolved here: lists concatenate, mappings join, a single value may stand only once. Syntax errors,
duplicate keys, loops and unreachable includes are ConfigErrors at their place. Nothing here knows a setting.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from revproxy.errors import ConfigError, Location

INCLUDE_DEPTH = 8
NESTING = 32
"""How deep lists and mappings may stand in one another; settings need 7 levels."""
FILE_BYTES = 4 * 1024 * 1024
"""Largest configuration file."""
INCLUDE = "include"


class _TooDeep(yaml.MarkedYAMLError):
    """YAML, but no configuration."""


class _Loader(yaml.SafeLoader):
    """Composes nodes no deeper than NESTING: composing recurses, and so does what walks the nodes."""

    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """The next node. Raises _TooDeep."""
        self.depth += 1
        if self.depth > NESTING:
            raise _TooDeep(
                problem=f"nested deeper than {NESTING} levels", problem_mark=parent.start_mark if parent else None
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class Tree:
    """All files of a configuration, their texts, and the one mapping that they make."""

    def __init__(self, path: Path, instead: Mapping[str, str] | None = None) -> None:
        """Read `path` and what it includes; `instead` has texts that stand for files, by absolute path.

        Raises ConfigError only for `path` itself; others are in `errors`.
        """
        self.texts: dict[str, str] = {}
        """Of each file, as it was read."""
        self._instead = instead or {}
        self.errors: list[ConfigError] = []
        self.files: list[Path] = []
        self._lines: dict[str, list[str]] = {}
        self.root = self._file(path.absolute(), None, ())

    def error(self, message: str, node: Node | None, hint: str = "") -> None:
        """Note an error at a node; of the whole main file when there is none."""
        self.errors.append(self.located(message, node, hint))

    def located(self, message: str, node: Node | None, hint: str = "") -> ConfigError:
        """An error at a node, with the source line."""
        if node is None:
            return ConfigError(message, Location(str(self.files[0])), hint=hint)
        return self._at(message, node.start_mark, hint)

    def _at(self, message: str, mark: yaml.Mark, hint: str = "") -> ConfigError:
        lines = self._lines.get(mark.name, [])
        source = lines[mark.line] if mark.line < len(lines) else ""
        return ConfigError(message, Location(mark.name, mark.line + 1, mark.column + 1), source, hint)

    def folder(self, node: Node) -> Path:
        """The folder of the file that a node stands in: what its relative paths are relative to."""
        return Path(node.start_mark.name).parent

    def _file(self, path: Path, by: Node | None, above: tuple[Path, ...]) -> MappingNode:
        """One file with its includes; an empty mapping when it could not be read and somebody includes it."""
        self.files.append(path)
        try:
            text = self._instead[str(path)] if str(path) in self._instead else _read(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            if by is None:
                raise ConfigError(f"the configuration cannot be read: {reason}", Location(str(path))) from error
            self.error(f"cannot include {path}: {reason}", by)
            return _mapping(by)
        name = str(path)
        self.texts[name] = text
        self._lines[name] = text.splitlines()
        node = self._compose(text, name)
        self._duplicates(node, set())
        return self._included(node, (*above, _real(path)))

    def _compose(self, text: str, name: str) -> MappingNode:
        try:
            loader = _Loader(text)
            loader.name = name
            node = loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            why = " ".join(filter(None, (error.context, error.problem)))
            why = why if isinstance(error, _TooDeep) else f"this is no YAML: {why}"
            raise self._at(why, mark) if mark else ConfigError(why, Location(name))
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            column = error.position - text.rfind("\n", 0, error.position)
            raise ConfigError("a control character stands here", Location(name, line, column)) from error
        if node is None:
            start = yaml.Mark(name, 0, 0, 0, "", 0)
            return MappingNode("tag:yaml.org,2002:map", [], start, start)
        if not isinstance(node, MappingNode):
            raise self.located(
                "a configuration is a mapping of settings", node, "listeners:, upstreams:, routes: ..."
            )
        return node

    def _duplicates(self, node: Node, seen: set[int]) -> None:
        # An alias brings the same node again, and may even stand inside its own anchor.
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            for item in node.value:
                self._duplicates(item, seen)
        if not isinstance(node, MappingNode):
            return
        first: dict[str, Node] = {}
        kept = []
        for key, value in node.value:
            if isinstance(key, ScalarNode) and key.value in first:
                before = first[key.value].start_mark
                self.error(f"{key.value!r} stands twice, first in line {before.line + 1}", key)
                continue
            if isinstance(key, ScalarNode):
                first[key.value] = key
            kept.append((key, value))
            self._duplicates(value, seen)
        node.value = kept

    def _included(self, node: MappingNode, above: tuple[Path, ...]) -> MappingNode:
        asked = [value for key, value in node.value if isinstance(key, ScalarNode) and key.value == INCLUDE]
        pairs = [(k, v) for k, v in node.value if not (isinstance(k, ScalarNode) and k.value == INCLUDE)]
        merged = MappingNode(node.tag, pairs, node.start_mark, node.end_mark)
        for item in _items(asked[0]) if asked else ():
            for path in self._paths(item):
                if _real(path) in above:
                    self.error(f"include makes a loop: {_real(path)} includes itself", item)
                elif len(above) >= INCLUDE_DEPTH:
                    self.error(f"includes are deeper than {INCLUDE_DEPTH}", item)
                else:
                    self._merge(merged, self._file(path, item, above))
        return merged

    def _paths(self, item: Node) -> list[Path]:
        if not isinstance(item, ScalarNode) or not item.value:
            self.error("include takes file names", item, "include: [other.yaml, conf.d/*.yaml]")
            return []
        pattern = str(self.folder(item) / item.value)
        if not has_magic(pattern):
            return [Path(pattern).absolute()]
        # A pattern may match nothing (an empty conf.d), but its folder has to exist.
        folder = Path(pattern).parent
        if not has_magic(str(folder)) and not folder.is_dir():
            self.error(f"cannot include {item.value}: there is no folder {folder}", item)
        return [Path(found).absolute() for found in sorted(glob(pattern))]

    def _merge(self, into: MappingNode, other: MappingNode, depth: int = 0) -> None:
        """Add the settings of an included file."""
        have = {key.value: index for index, (key, _) in enumerate(into.value) if isinstance(key, ScalarNode)}
        for key, value in other.value:
            index = have.get(key.value) if isinstance(key, ScalarNode) else None
            if index is None:
                into.value.append((key, value))
                continue
            old_key, old = into.value[index]
            into.value[index] = (old_key, self._joined(old, value, old_key, key, depth))

    def _joined(self, old: Node, new: Node, old_key: Node, new_key: Node, depth: int) -> Node:
        if depth > NESTING:
            # An alias within its own anchor, in both files: without end.
            self.error("this contains itself", new_key)
            return old
        if isinstance(old, SequenceNode) and isinstance(new, SequenceNode):
            return SequenceNode(old.tag, [*old.value, *new.value], old.start_mark, old.end_mark)
        if isinstance(old, MappingNode) and isinstance(new, MappingNode):
            joined = MappingNode(old.tag, list(old.value), old.start_mark, old.end_mark)
            self._merge(joined, new, depth + 1)
            return joined
        place = f"{old_key.start_mark.name}:{old_key.start_mark.line + 1}"
        self.error(f"{new_key.value!r} is set already, in {place}", new_key)
        return old


def _mapping(near: Node) -> MappingNode:
    return MappingNode("tag:yaml.org,2002:map", [], near.start_mark, near.end_mark)


def _real(path: Path) -> Path:
    """A file's one name, however it was reached."""
    return Path(os.path.realpath(path))


def _items(node: Node) -> Sequence[Node]:
    return node.value if isinstance(node, SequenceNode) else [node]


def _read(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise ValueError(f"larger than {FILE_BYTES} bytes")
    return data.decode("utf-8")
