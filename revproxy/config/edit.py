"""New items for lists of a configuration, written into the operator's own files: all else stays as it is.

Text goes in where nodes end, in the style that stands there (block or flow); nothing is parsed and written anew, so
that comments, order and line ends stay. Whether the outcome means what was wanted is for the caller to check, by
`load` with the texts: an anchor that is used twice, for one, changes in both places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from revproxy.config.build import build
from revproxy.config.reader import KEY, Place, Reader, is_null
from revproxy.config.tree import Tree
from revproxy.errors import ConfigError, Location


def with_items(path: Path, key: str, items: Mapping[Place, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """The files that change, by absolute path: before and after.

    `items` are flow YAML, each in one line, for the list `key` of the mapping at each place. A place that has a plain
    text instead of a mapping (`DOMAIN: UPSTREAM`) gets a mapping with that as `upstream`. Raises ConfigError where
    there is no such place, and as `load` does.
    """
    tree = Tree(path)
    reader = Reader(tree)
    build(reader)
    edits: dict[str, list[tuple[int, int, str]]] = {}
    for place, some in items.items():
        node = reader.places.get(place)
        if node is None:
            raise ConfigError(f"there is no {'.'.join(map(str, place))}", Location(str(path)))
        text = tree.texts[node.start_mark.name]
        edits.setdefault(node.start_mark.name, []).append(_edit(text, node, key, some))
    return {name: (tree.texts[name], _edited(tree.texts[name], some)) for name, some in edits.items()}


def place_of_domain(path: Path, domain: str) -> Place:
    """Where a mail domain stands, which may be written in another case. Raises ConfigError."""
    tree = Tree(path)
    reader = Reader(tree)
    made = build(reader).get("mail")
    keys = [place[2] for place in reader.places if place[:2] == ("mail", "domains") and place[3:] == (KEY,)]
    names = [one.domain for one in made.domains] if made is not None else []
    for name, key in zip(names, keys, strict=False):
        if name == domain:
            return ("mail", "domains", key)
    raise ConfigError(f"there is no mail domain {domain}", Location(str(path)))


def _edited(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _edit(text: str, node: Node, key: str, items: Sequence[str]) -> tuple[int, int, str]:
    """What is put between two offsets of the text."""
    listed = f"[{', '.join(items)}]"
    if isinstance(node, ScalarNode):
        start, end = node.start_mark.index, node.end_mark.index
        return start, end, f"{{upstream: {text[start:end]}, {key}: {listed}}}"
    assert isinstance(node, MappingNode)
    own = next((v for k, v in node.value if isinstance(k, ScalarNode) and k.value == key), None)
    if own is None:
        return _entry(text, node, key, items)
    if isinstance(own, SequenceNode) and own.value:
        return _appended(text, own, items)
    start, end = own.start_mark.index, own.end_mark.index
    blank = "" if text[start - 1 : start].isspace() else " "
    return start, end, blank + listed


def _entry(text: str, node: MappingNode, key: str, items: Sequence[str]) -> tuple[int, int, str]:
    """A new entry at the mapping's end."""
    last = _end(text, node.value[-1][1])
    if node.flow_style:
        return last, last, f", {key}: [{', '.join(items)}]"
    column = node.value[0][0].start_mark.column
    return _lines(text, last, [" " * column + f"{key}:", *(" " * (column + 2) + f"- {one}" for one in items)])


def _appended(text: str, node: SequenceNode, items: Sequence[str]) -> tuple[int, int, str]:
    last = _end(text, node.value[-1])
    if node.flow_style:
        return last, last, "".join(f", {one}" for one in items)
    return _lines(text, last, [" " * node.start_mark.column + f"- {one}" for one in items])


def _lines(text: str, after: int, lines: Sequence[str]) -> tuple[int, int, str]:
    """Lines below the one that ends behind the offset, a comment at its end included."""
    end = "\r\n" if "\r\n" in text else "\n"
    if after and text[after - 1] == "\n":
        return after, after, "".join(line + end for line in lines)
    at = text.find("\n", after)
    if at < 0:
        return len(text), len(text), "".join(end + line for line in lines)
    return at + 1, at + 1, "".join(line + end for line in lines)


def _end(text: str, node: Node) -> int:
    """Where a node's own text ends: a block's end mark is where the next thing begins, comments in between."""
    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    if is_null(node):
        return int(node.start_mark.index) + len(node.value)
    return int(node.end_mark.index)
