"""A YAML text as nodes that know where they stand, and the errors found in it so far.

Invariants: no Python object is ever made from a tag; anchors, aliases and explicit tags are refused, so the size
of the tree is bounded by the size of the text; nesting is bounded before anything recurses. Reading a node never
raises: what is wrong is noted, and the caller goes on with a default, so that one pass finds every error. What the
words of the language mean does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from revproxy.errors import Location, ManyErrors, RuleError

TEXT_BYTES = 4 * 1024 * 1024
"""Largest file of signatures."""
DEPTH = 12
ERRORS = 100
"""So many errors of one file are reported."""

_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_KIND = {"str": "text", "int": "a whole number", "bool": "true or false", "null": "nothing", "float": "a number"}

Entries = dict[str, tuple[ScalarNode, Node]]
"""A mapping: key -> (node of the key, node of the value)."""


def near(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt word, or nothing."""
    close = get_close_matches(word.lower(), {k.lower(): k for k in known}, n=1, cutoff=0.6)
    spelled = {k.lower(): k for k in known}
    return f"did you mean `{spelled[close[0]]}`?" if close else ""


class Document:
    """One text. `root` is its top node (None when it is empty or not YAML); `errors` what was found wrong."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.errors: list[RuleError] = []
        self._lines = text.splitlines()
        self.root = self._compose(text)

    def wrong(self, node: Node | None, message: str, hint: str = "", offset: int = 0) -> None:
        """Note an error at a node, `offset` characters into it where that can be shown."""
        if node is None:
            self._note(Location(self.file), message, hint)
            return
        mark = node.start_mark
        column = mark.column + 1 + self._shift(node, offset)
        self._note(Location(self.file, mark.line + 1, column), message, hint)

    def where(self, node: Node) -> Location:
        """The place of a node."""
        return Location(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def check(self) -> None:
        """Raise what was found: RuleError when it is one, ManyErrors when there are several."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise ManyErrors(self.errors)

    # Reading nodes: each returns None (or nothing) after noting what is wrong.

    def mapping(self, node: Node, what: str) -> Entries:
        """The entries of a mapping with text keys, each only once."""
        if not isinstance(node, MappingNode):
            self.wrong(node, f"{what} must be a mapping, not {kind(node)}")
            return {}
        entries: Entries = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.wrong(key, f"a key of {what} must be text")
            elif key.value in entries:
                first = entries[key.value][0].start_mark.line + 1
                self.wrong(key, f"`{key.value}` stands here twice; first in line {first}")
            else:
                entries[key.value] = (key, value)
        return entries

    def items(self, node: Node, what: str) -> list[Node]:
        """The items of a list; a single scalar counts as a list of one."""
        if isinstance(node, SequenceNode):
            return list(node.value)
        if isinstance(node, ScalarNode) and not _is(node, "null"):
            return [node]
        self.wrong(node, f"{what} must be a list, not {kind(node)}")
        return []

    def text(self, node: Node, what: str) -> str | None:
        """A text that is not empty."""
        if isinstance(node, ScalarNode) and _is(node, "str") and node.value:
            return str(node.value)
        hint = "put it in quotes" if isinstance(node, ScalarNode) and node.value else ""
        self.wrong(node, f"{what} must be text, not {kind(node)}", hint)
        return None

    def number(self, node: Node, what: str, least: int, most: int) -> int | None:
        """A whole decimal number in a range."""
        if isinstance(node, ScalarNode) and _is(node, "int"):
            text = node.value
            plain = text.isascii() and text.isdigit() and len(text) <= 18
            if plain and least <= int(text) <= most:
                return int(text)
        self.wrong(node, f"{what} must be a whole number from {least} to {most}")
        return None

    def true(self, node: Node, what: str) -> bool:
        """The word `true`."""
        if isinstance(node, ScalarNode) and _is(node, "bool") and node.value == "true":
            return True
        self.wrong(node, f"{what} must be `true`")
        return False

    def word(self, node: Node, what: str, known: Iterable[str]) -> str | None:
        """One of the known words."""
        got = self.text(node, what)
        if got is None or got in known:
            return got
        listed = ", ".join(sorted(known))
        self.wrong(node, f"unknown {what} `{got}`", near(got, known) or f"one of: {listed}")
        return None

    def raw(self, node: Node, what: str) -> str | None:
        """Any scalar, as it was written: `1`, `yes` and nothing at all count as text."""
        if isinstance(node, ScalarNode):
            return str(node.value)
        self.wrong(node, f"{what} must be text, not {kind(node)}")
        return None

    # The rest is private.

    def _compose(self, text: str) -> Node | None:
        try:
            if len(text.encode()) > TEXT_BYTES:
                self._note(Location(self.file), f"the file is larger than {TEXT_BYTES} bytes")
                return None
            if not self._plain(text):
                return None
            root: Node | None = yaml.compose(text, Loader=_LOADER)
            return root
        except UnicodeEncodeError:
            self._note(Location(self.file), "the file is not valid Unicode")
        except yaml.MarkedYAMLError as error:
            self._broken(error)
        except yaml.YAMLError as error:
            self._note(Location(self.file), f"not YAML: {' '.join(str(error).split())}")
        return None

    def _plain(self, text: str) -> bool:
        """Whether the text has no anchor, alias or tag and is not nested too deeply (composing recurses)."""
        depth = 0
        for event in yaml.parse(text, Loader=_LOADER):
            if getattr(event, "anchor", None) is not None:
                return self._refuse(event, "anchors and aliases are not allowed here", "write the value out")
            if isinstance(event, yaml.CollectionStartEvent | yaml.ScalarEvent) and event.tag is not None:
                return self._refuse(event, "tags are not allowed here", "")
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEPTH:
                    return self._refuse(event, f"nested deeper than {DEPTH} levels", "")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        return True

    def _refuse(self, event: yaml.Event, message: str, hint: str) -> bool:
        mark = event.start_mark
        place = Location(self.file, mark.line + 1, mark.column + 1) if mark else Location(self.file)
        self._note(place, message, hint)
        return False

    def _broken(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        place = Location(self.file, mark.line + 1, mark.column + 1) if mark else Location(self.file)
        self._note(place, f"not YAML: {error.problem or error.context}")

    def _shift(self, node: Node, offset: int) -> int:
        """Columns between a scalar's start and a character of its value; 0 where it is not written plainly."""
        if not offset or not isinstance(node, ScalarNode) or node.start_mark.line >= len(self._lines):
            return 0
        line, start = self._lines[node.start_mark.line], node.start_mark.column
        start += node.style in ("'", '"')
        return start - node.start_mark.column + offset if line.startswith(node.value, start) else 0

    def _note(self, where: Location, message: str, hint: str = "") -> None:
        if len(self.errors) >= ERRORS:
            return
        source = self._lines[where.line - 1] if 0 < where.line <= len(self._lines) else ""
        self.errors.append(RuleError(message, where, source, hint))


def kind(node: Node) -> str:
    """What a node is, in words."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    if _is(node, "str") and not node.value:
        return "an empty text"
    return _KIND.get(node.tag.removeprefix(_TAG), "a value of another type")


def _is(node: Node, tag: str) -> bool:
    return bool(node.tag == _TAG + tag)
