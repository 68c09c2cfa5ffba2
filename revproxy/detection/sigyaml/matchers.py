"""The parts of a signature that say what is looked at and how: `fields`, `transformations`, `match`.

Each reader notes what is wrong in the document and returns what could be read.
"""

from __future__ import annotations

from yaml.nodes import Node

from revproxy.detection.rules import FIELDS, Operator, Target
from revproxy.detection.sigyaml import vocabulary as words
from revproxy.detection.sigyaml.document import Document, near
from revproxy.detection.sigyaml.patterns import problem
from revproxy.detection.sigyaml.tree import Match, Matcher
from revproxy.detection.transformations import TRANSFORMATIONS
from revproxy.model import Protocol

CHAIN = 16
"""Most transformations of one chain."""
_LISTS = {"any": "one_of", "all": "every", "not": "none"}
_OWN = ("fields", "transformations")


def read_fields(document: Document, node: Node, protocols: frozenset[Protocol]) -> tuple[Target, ...]:
    """A list of field selectors, of fields that at least one of the protocols fills."""
    targets, before = [], len(document.errors)
    for item in document.items(node, "`fields`"):
        text = document.text(item, "a field")
        if text is None:
            continue
        try:
            target = words.target(text)
        except words.Misread as error:
            document.wrong(item, error.message, error.hint, error.offset)
            continue
        if not FIELDS[target.field].protocols & protocols:
            listed = " or ".join(sorted(str(p) for p in protocols))
            document.wrong(item, f"field `{target.field}` is never filled for {listed}")
        targets.append(target)
    if not any(not t.exclude for t in targets) and len(document.errors) == before:
        document.wrong(node, "`fields` chooses nothing", "an exclusion takes values out of the other fields")
    return tuple(targets)


def read_transformations(document: Document, node: Node) -> tuple[str, ...]:
    """A list of transformation names."""
    names = []
    for item in document.items(node, "`transformations`"):
        name = document.text(item, "a transformation")
        if name is not None and name not in TRANSFORMATIONS:
            document.wrong(item, f"unknown transformation `{name}`", near(name, TRANSFORMATIONS))
        names.append(name or "")
    if len(names) > CHAIN:
        document.wrong(node, f"more than {CHAIN} transformations")
    return tuple(names)


def read_match(document: Document, node: Node, protocols: frozenset[Protocol]) -> Match:
    """`any`, `all` and `not`, each a list of matchers."""
    lists: dict[str, tuple[Matcher, ...]] = {}
    before = len(document.errors)
    for key, (key_node, value) in document.mapping(node, "`match`").items():
        if key not in _LISTS:
            document.wrong(key_node, f"unknown key `{key}` in `match`", "one of: any, all, not")
            continue
        read = (_matcher(document, item, protocols) for item in document.items(value, f"`{key}`"))
        lists[_LISTS[key]] = tuple(m for m in read if m is not None)
        if key == "any":
            _refuse_own_fields(document, value, lists["one_of"])
    match = Match(**lists)
    own = [m for m in (*match.one_of, *match.every, *match.none) if not m.fields]
    if not own and len(document.errors) == before:
        document.wrong(node, "`match` tests nothing of the signature's own `fields`", "any: [{rx: ...}]")
    return match


def _refuse_own_fields(document: Document, node: Node, matchers: tuple[Matcher, ...]) -> None:
    """A rule is a conjunction of conditions: alternatives over different fields are two signatures."""
    if any(m.fields for m in matchers):
        document.wrong(node, "a matcher of `any` cannot have its own `fields`", "put it under `all` or `not`")


def _matcher(document: Document, node: Node, protocols: frozenset[Protocol]) -> Matcher | None:
    entries = document.mapping(node, "a matcher")
    own = {key: entries.pop(key)[1] for key in _OWN if key in entries}
    if len(entries) != 1:
        hint = "such as `rx: ...`; a second test is a matcher of its own"
        if entries or own:
            document.wrong(node, "a matcher has exactly one operator", hint)
        return None
    [(name, (key_node, value))] = entries.items()
    if "transformations" in own and "fields" not in own:
        hint = "without them it looks at the signature's own value"
        document.wrong(own["transformations"], "transformations of a matcher need its own `fields`", hint)
    operator = _operator(document, name, key_node, value)
    fields = read_fields(document, own["fields"], protocols) if "fields" in own else ()
    chain = read_transformations(document, own["transformations"]) if "transformations" in own else ()
    return Matcher(operator, document.where(node), fields, chain) if operator else None


def _operator(document: Document, name: str, key_node: Node, value: Node) -> Operator | None:
    takes = words.OPERATORS.get(name)
    if takes is None:
        document.wrong(key_node, f"unknown operator `{name}`", near(name, words.OPERATORS))
        return None
    argument = _argument(document, takes, value, f"the argument of `{name}`")
    return None if argument is None else Operator(name, argument)


def _argument(document: Document, takes: words.Argument, node: Node, what: str) -> str | tuple[str, ...] | None:
    match takes:
        case words.Argument.TRUE:
            return "" if document.true(node, what) else None
        case words.Argument.NUMBER:
            number = document.number(node, what, 0, 2**31)
            return None if number is None else str(number)
        case words.Argument.TEXTS:
            return _texts(document, node, what)
        case words.Argument.PATTERN:
            return _pattern(document, node, what)
        case words.Argument.RANGES:
            return _ranges(document, node, what)
        case words.Argument.TEXT:
            return document.text(node, what)


def _texts(document: Document, node: Node, what: str) -> tuple[str, ...] | None:
    before = len(document.errors)
    texts = [document.text(item, what) for item in document.items(node, what)]
    if not texts and len(document.errors) == before:
        document.wrong(node, f"{what} is an empty list")
    return tuple(t for t in texts if t is not None) or None


def _pattern(document: Document, node: Node, what: str) -> str | None:
    pattern = document.text(node, what)
    wrong = problem(pattern) if pattern is not None else None
    if wrong:
        document.wrong(node, wrong[0], "", wrong[1])
    return pattern


def _ranges(document: Document, node: Node, what: str) -> str | None:
    # `9` alone is a number in YAML, and a range of one byte here.
    text = document.raw(node, what)
    try:
        return None if text is None else words.ranges(text)
    except words.Misread as error:
        document.wrong(node, error.message, error.hint)
        return None
