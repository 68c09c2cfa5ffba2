"""YAML text -> signatures. Every word is checked here, and every error carries its place.

A file is a mapping with one key, `signatures`, a list. Text that is wrong raises RuleError, or ManyErrors when
several things are: nothing else is ever raised, whatever the text. Reading files does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from yaml.nodes import Node

from revproxy.detection.rules import FIELDS, Target
from revproxy.detection.sigyaml import vocabulary as words
from revproxy.detection.sigyaml.document import Document, Entries, near
from revproxy.detection.sigyaml.matchers import read_fields, read_match, read_transformations
from revproxy.detection.sigyaml.samples import read_samples
from revproxy.detection.sigyaml.tree import Match, Sample, Signature
from revproxy.errors import LocatedError, ManyErrors, RuleError
from revproxy.model import Action, Protocol, Severity

SCORE = 100
"""Largest score of one signature."""


def load_signatures(text: str, file: str) -> list[Signature]:
    """The signatures of one file, in order. Raises RuleError or ManyErrors."""
    document = Document(text, file)
    found = _signatures(document)
    document.check()
    return found


def load_all(sources: Iterable[tuple[str, str]]) -> list[Signature]:
    """The signatures of several (file, text) pairs; an id may stand only once in all of them.

    Raises RuleError or ManyErrors, with the errors of all files.
    """
    errors: list[LocatedError] = []
    found: dict[str, Signature] = {}
    for file, text in sources:
        signatures, wrong = _read(file, text)
        for signature in signatures:
            first = found.setdefault(signature.id, signature)
            if first is not signature:
                message = f"id `{signature.id}` is taken: it stands in {first.origin} already"
                errors.append(RuleError(message, signature.origin))
        errors.extend(wrong)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ManyErrors(errors)
    return list(found.values())


@lru_cache(maxsize=1024)
def _read(file: str, text: str) -> tuple[Sequence[Signature], Sequence[LocatedError]]:
    """What a file says, and what is wrong in it. A set that is tried is read twice: alone, and with all else."""
    document = Document(text, file)
    return tuple(_signatures(document)), tuple(document.errors)


def forget() -> None:
    """Let go of what was read."""
    _read.cache_clear()


def _signatures(document: Document) -> list[Signature]:
    if document.root is None:
        if not document.errors:
            document.wrong(None, "the file is empty", "it begins with `signatures:` and a list")
        return []
    top = document.mapping(document.root, "a file of signatures")
    _unknown(document, top, ("signatures",), "a file of signatures")
    if "signatures" not in top:
        document.wrong(document.root, "the file has no `signatures:`")
        return []
    seen: dict[str, Signature] = {}
    for node in document.items(top["signatures"][1], "`signatures`"):
        signature = _signature(document, node)
        if signature is None:
            continue
        if signature.id in seen:
            document.wrong(node, f"id `{signature.id}` is taken: {seen[signature.id].origin}")
        seen.setdefault(signature.id, signature)
    return list(seen.values())


def _signature(document: Document, node: Node) -> Signature | None:
    """One entry of the list, or None when something in it is wrong (and noted)."""
    before = len(document.errors)
    entries = document.mapping(node, "a signature")
    _unknown(document, entries, words.KEYS, "a signature")
    missing = [key for key in words.REQUIRED if key not in entries]
    if entries and missing:
        document.wrong(node, f"the signature has no {', '.join(f'`{key}`' for key in missing)}")
    reader = _Reader(document, entries)
    signature = reader.signature(node)
    return signature if len(document.errors) == before else None


def _unknown(document: Document, entries: Entries, known: Iterable[str], what: str) -> None:
    for key, (node, _) in entries.items():
        if key not in known:
            document.wrong(node, f"unknown key `{key}` in {what}", near(key, known))


class _Reader:
    """The keys of one signature, read one by one."""

    def __init__(self, document: Document, entries: Entries) -> None:
        self._document = document
        self._nodes = {key: value for key, (_, value) in entries.items()}

    def signature(self, node: Node) -> Signature:
        """All of it; wrong or missing keys are noted and have a default here."""
        protocols = self._protocols()
        fields = self._fields(protocols)
        chain = self._nodes.get("transformations")
        matching, passing = self._samples(protocols)
        return Signature(
            id=self._id(),
            name=self._text("name"),
            why=self._text("why"),
            references=self._references(),
            protocols=protocols,
            fields=fields,
            transformations=read_transformations(self._document, chain) if chain else (),
            each_step=self._true("each_step"),
            match=self._match(protocols),
            severity=self._severity(),
            score=self._number("score", SCORE),
            action=self._action(),
            tags=self._tags(),
            matching=matching,
            passing=passing,
            origin=self._document.where(node),
        )

    def _text(self, key: str) -> str:
        node = self._nodes.get(key)
        text = self._document.text(node, f"`{key}`") if node else None
        return " ".join(text.split()) if text else ""

    def _true(self, key: str) -> bool:
        node = self._nodes.get(key)
        return self._document.true(node, f"`{key}`") if node else False

    def _number(self, key: str, most: int) -> int | None:
        node = self._nodes.get(key)
        return self._document.number(node, f"`{key}`", 0, most) if node else None

    def _id(self) -> str:
        text = self._text("id")
        if text and (not words.ID.match(text) or len(text) > 64):
            hint = "lower-case words and hyphens, at most 64 characters: sql-union-select"
            self._document.wrong(self._nodes["id"], f"`{text}` is no id", hint)
        return text

    def _items(self, key: str) -> list[Node]:
        node = self._nodes.get(key)
        return self._document.items(node, f"`{key}`") if node else []

    def _references(self) -> tuple[str, ...]:
        found = []
        for node in self._items("references"):
            text = self._document.text(node, "a reference")
            if text and not words.REFERENCE.match(text):
                hint = "CWE-89, CAPEC-66 or CVE-2021-44228"
                self._document.wrong(node, f"`{text}` is no reference", hint)
            found.append(text or "")
        if "references" in self._nodes and not found:
            self._document.wrong(self._nodes["references"], "a signature needs at least one reference")
        return tuple(found)

    def _protocols(self) -> frozenset[Protocol]:
        found = set()
        for node in self._items("protocols"):
            word = self._document.word(node, "protocol", words.PROTOCOLS)
            if word in words.PROTOCOLS:
                found.add(words.PROTOCOLS[word])
        # With none given, fields are held against both: one error is enough.
        return frozenset(found) or frozenset(Protocol)

    def _fields(self, protocols: frozenset[Protocol]) -> tuple[Target, ...]:
        node = self._nodes.get("fields")
        if node is None:
            return ()
        targets = read_fields(self._document, node, protocols)
        idle = protocols - words.protocols_of(targets)
        chosen = any(not t.exclude for t in targets)
        if chosen and idle and "protocols" in self._nodes:
            listed = ", ".join(sorted(str(p) for p in idle))
            self._document.wrong(node, f"no field of these is filled for {listed}")
        return targets

    def _match(self, protocols: frozenset[Protocol]) -> Match:
        node = self._nodes.get("match")
        return read_match(self._document, node, protocols) if node else Match()

    def _severity(self) -> Severity:
        node = self._nodes.get("severity")
        word = self._document.word(node, "severity", words.SEVERITIES) if node else None
        return words.SEVERITIES.get(word or "", Severity.NOTICE)

    def _action(self) -> Action:
        node = self._nodes.get("action")
        word = self._document.word(node, "action", words.ACTIONS) if node else None
        return words.ACTIONS.get(word or "", Action.ALLOW)

    def _tags(self) -> tuple[str, ...]:
        return tuple(self._document.text(node, "a tag") or "" for node in self._items("tags"))

    def _samples(self, protocols: frozenset[Protocol]) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
        node = self._nodes.get("samples")
        return read_samples(self._document, node, protocols) if node else ((), ())


def fields_of(signature: Signature) -> tuple[str, ...]:
    """The names of all fields that a signature reads, each once, in order."""
    matchers = (*signature.match.one_of, *signature.match.every, *signature.match.none)
    targets = (*signature.fields, *(t for m in matchers for t in m.fields))
    return tuple(dict.fromkeys(t.field for t in targets if t.field in FIELDS))
