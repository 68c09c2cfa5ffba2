"""What the engines of one rule set have in common: loaded databases, rules ready to run.

They serve several threads: a second engine costs its scratch space and its memory, not another copy of everything.
Databases and rules are read only once they are made. Tables of what follows from a scan fill themselves: two threads
that miss the same entry work out the same. Databases are known by the hash of what they hold, so that a set that
follows another one takes over those that did not change. What belongs to one thread is in `calm` and `joining`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

import hyperscan

from revproxy.detection.engine.chains import ChainTable
from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.idle import idle_rules
from revproxy.detection.link import RuleSet
from revproxy.detection.link.chosen import Chooser
from revproxy.detection.operators import Texts
from revproxy.detection.rules import Operator, Rule

Loaded = Mapping[str, Any]
"""Databases by key."""
MakeProgram = Callable[[Rule, int, Chooser, bool, Mapping[Operator, Texts]], Program]
_NONE: Loaded = MappingProxyType({})


def load(compiled: MutableMapping[str, bytes], known: Loaded = _NONE) -> Loaded:
    """Load databases and take them out of `compiled`, one after another: no two copies of all of them are ever there.

    Those of `known`, of an engine in use, are taken over as well. Raises hyperscan.error for bytes that are none.
    """
    loaded = dict(known)
    while compiled:
        key, data = compiled.popitem()
        loaded[key] = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
    return loaded


class Shared:
    """One rule set, ready for any number of engines."""

    def __init__(self, ruleset: RuleSet, loaded: Loaded | None = None, program: MakeProgram = Program) -> None:
        """`loaded` has all of its databases, and maybe more; without it they are in the rule set. `program` makes the
        rules ready to run."""
        databases = load(ruleset.databases()) if loaded is None else loaded
        self.ruleset = ruleset
        self.loaded = {key: databases[key] for key in ruleset.keys}
        chooser = Chooser(ruleset.rules)
        self.programs = [
            program(rule, at, chooser, ruleset.last_matters, ruleset.texts) for at, rule in enumerate(ruleset.rules)
        ]
        self.watched = program is not Program
        """Whether somebody looks on as they run."""
        self.idle = idle_rules(ruleset, self.programs)
        self.chains = [ChainTable(group) for group in ruleset.groups]

    def scan(self, key: str, beside: bool) -> Callable[..., None]:
        """`scan(data, on_match)` of a database; an empty key is one without patterns. `beside`: for a second thread,
        with scratch space of its own. Scans of the first thread share theirs, also with those of a set before."""
        if not key:
            return lambda data, on_match: None
        database = self.loaded[key]
        if beside:
            scratch = hyperscan.Scratch(database)
            return lambda data, on_match: database.scan(data, on_match, scratch=scratch)
        if database.scratch is None:
            database.scratch = hyperscan.Scratch(database)
        scan: Callable[..., None] = database.scan
        return scan
