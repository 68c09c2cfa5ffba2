"""Linked rule sets between starts: found again when nothing that they were made of has changed.

A file holds what was read to make the set, the hashes of its databases, which `FolderStore` keeps, and the set
without them. Whatever is not right with a file, or with one of its databases, makes it a file that is not there: the
rules are then read and linked, and say what there is to say. Only sets that were made without an error are kept.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from revproxy.app.excluded import Excluded
from revproxy.app.folder import Folder
from revproxy.app.inputs import Inputs, inputs_of
from revproxy.app.unpickle import read_back
from revproxy.detection.link.ruleset import RuleSet

_PREFIX = "rules-"
_MAGIC = b"revproxy rules 1\n"
_HASH = 32


@dataclass(frozen=True, slots=True)
class Linked:
    """A rule set with its databases, what routes and domains leave out of it, and what there is to say about the
    texts that it comes from."""

    rules: RuleSet
    excluded: Excluded
    notices: tuple[str, ...] = ()
    sets: Mapping[str, str] = field(default_factory=dict)
    """The sets that were in force of the feeds among them, by feed; not kept."""


class KeptSets:
    """Rule sets in a folder. Neither method raises."""

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder)

    def find(self, question: str) -> Linked | None:
        """A set that answers the question: a hash of what was asked for and of everything but the files read."""
        for name in self._folder.names(f"{_PREFIX}{question}-"):
            data = self._folder.read(name)
            if data is not None and (found := self._opened(data)) is not None:
                return found
        return None

    def keep(self, question: str, inputs: Inputs, linked: Linked) -> None:
        """Keep a set for `find`; its databases are in the store already."""
        said = inputs.text()
        compiled = linked.rules.compiled
        head = {
            "inputs": said,
            "databases": {key: hashlib.sha256(data).hexdigest() for key, data in compiled.items()},
            "notices": linked.notices,
        }
        rest = json.dumps(head).encode() + b"\n" + pickle.dumps((replace(linked.rules, compiled={}), linked.excluded))
        name = f"{_PREFIX}{question}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"
        self._folder.write(name, _MAGIC + hashlib.sha256(rest).digest() + rest)

    def _opened(self, data: bytes) -> Linked | None:
        """The set of a file, if it is whole and nothing has changed since."""
        start = len(_MAGIC) + _HASH
        rest = data[start:]
        if not data.startswith(_MAGIC) or hashlib.sha256(rest).digest() != data[len(_MAGIC) : start]:
            return None
        line, _, packed = rest.partition(b"\n")
        try:
            head = json.loads(line)
            inputs, databases, notices = inputs_of(head["inputs"]), head["databases"], tuple(head["notices"])
        except (ValueError, LookupError, TypeError):
            return None
        if inputs is None or not inputs.hold() or (compiled := self._databases(databases)) is None:
            return None
        read = read_back(packed)
        if read is None or read[0].keys != compiled.keys():
            return None
        return Linked(replace(read[0], compiled=compiled), read[1], notices)

    def _databases(self, wanted: Mapping[str, str]) -> dict[str, bytes] | None:
        found: dict[str, bytes] = {}
        for key, digest in wanted.items():
            data = self._folder.read(key)
            if data is None or hashlib.sha256(data).hexdigest() != digest:
                return None
            found[key] = data
        return found
