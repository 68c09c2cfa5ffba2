"""What a list of actions must have and must not have, chains, and ids.

Checked here: an id for every rule, once in all files; a disruptive action, id, phase and jump only at the beginning
of a chain; a chain that ends; what SecDefaultAction may say. ModSecurity 3 forgives a chain without an end, an id in
a link, a SecAction without an id or with that of another rule: none of these does what its author thinks.
"""

from __future__ import annotations

from revproxy.detection.seclang.source import Log
from revproxy.detection.seclang.tree import DefaultActions, Flag, Link, Number, Rule, RuleAction
from revproxy.detection.seclang.vocabulary import ACTIONS, Kind
from revproxy.errors import Location

_STARTER = ("id", "phase", "skip", "skipAfter", "status")
"""Not disruptive, but of a whole chain."""
_NO_DEFAULT = ("id", "chain", "msg", "rev", "ver", "skip", "skipAfter")
_PHASE = 2


class Assembly:
    """Rules of all files, one after the other; a chain must end in the file that it begins in."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._ids: dict[int, Location] = {}
        self._defaults: dict[int, Location] = {}
        self._links: list[Link] = []
        self._lost = False
        self.torn = False
        """Whether a quote was not closed, so that the lines that follow may be its rest."""

    def rule(self, link: Link, flawed: bool) -> Rule | None:
        """Take a SecRule: the rule that it completes, or None when it is wrong or its chain goes on.

        `flawed`: its errors are noted already, and its id may be one of them.
        """
        if self._links:
            self._chained(link.actions)
        else:
            self._starter(link, flawed or self._lost)
        self._lost = False
        self._links.append(link)
        if _flag(link.actions, "chain"):
            return None
        links, self._links = tuple(self._links), []
        return _rule(links)

    def action(self, link: Link, flawed: bool) -> Rule | None:
        """Take a SecAction."""
        self.other()
        chain = _flag(link.actions, "chain")
        if chain:
            self._log.wrong(chain.where, "a SecAction cannot begin a chain", "write it as a SecRule")
        self._starter(link, flawed)
        return _rule((link,))

    def other(self) -> None:
        """Anything but a SecRule comes, or the end of the file: no chain may be open."""
        chain = _flag(self._links[-1].actions, "chain") if self._links else None
        if chain:
            self._log.wrong(chain.where, "the chain has no end", "a SecRule must follow, in the same file")
        self._links = []
        self._lost = False

    def lost(self, torn: bool = False) -> None:
        """A line could not be read at all: what follows may or may not be a link of a chain."""
        self._links = []
        self._lost = True
        self.torn = torn

    def default(self, actions: tuple[RuleAction, ...], where: Location) -> DefaultActions | None:
        """Take a SecDefaultAction."""
        self.other()
        log = self._log
        single(actions, log)
        for action in actions:
            if action.name in _NO_DEFAULT:
                log.wrong(action.where, f"{action.name} belongs to a rule, not to SecDefaultAction")
        if not any(_disruptive(action) and action.name != "block" for action in actions):
            log.wrong(where, "SecDefaultAction needs a disruptive action other than block", "pass, deny or drop")
        phase = _number(actions, "phase")
        if phase is None:
            log.wrong(where, "SecDefaultAction needs a phase", "phase:1,log,auditlog,pass")
            return None
        first = self._defaults.setdefault(phase.value, where)
        if first is not where:
            log.wrong(phase.where, f"phase {phase.value} has its SecDefaultAction already, in {first}")
        return DefaultActions(phase.value, actions, where)

    # The rest is private.

    def _starter(self, link: Link, forgiven: bool) -> None:
        single(link.actions, self._log)
        found = _number(link.actions, "id")
        if found is None:
            if not forgiven:
                self._log.wrong(link.where, "the rule has no id", "id: and a number that no other rule has")
            return
        first = self._ids.setdefault(found.value, found.where)
        if first is not found.where:
            self._log.wrong(found.where, f"id {found.value} is taken: it stands in {first} already")

    def _chained(self, actions: tuple[RuleAction, ...]) -> None:
        single(actions, self._log)
        for action in actions:
            if action.name in _STARTER or _disruptive(action):
                message = f"{action.name} can only stand in the first rule of a chain"
                self._log.wrong(action.where, message, "it holds for the whole chain: put it there")


def _rule(links: tuple[Link, ...]) -> Rule | None:
    found, phase = _number(links[0].actions, "id"), _number(links[0].actions, "phase")
    return Rule(found.value, phase.value if phase else _PHASE, links, links[0].where) if found else None


def single(actions: tuple[RuleAction, ...], log: Log) -> None:
    """Two actions that contradict each other are an error."""
    seen: set[str] = set()
    disruptive = ""
    for action in actions:
        if _disruptive(action):
            if disruptive:
                log.wrong(action.where, f"{disruptive} stands here already: a rule does one thing only")
            disruptive = action.name
        elif action.name in seen and ACTIONS[action.name.lower()].once:
            log.wrong(action.where, f"{action.name} stands here twice")
        seen.add(action.name)


def _disruptive(action: RuleAction) -> bool:
    return ACTIONS[action.name.lower()].kind is Kind.DISRUPTIVE


def _flag(actions: tuple[RuleAction, ...], name: str) -> Flag | None:
    return next((a for a in actions if isinstance(a, Flag) and a.name == name), None)


def _number(actions: tuple[RuleAction, ...], name: str) -> Number | None:
    return next((a for a in actions if isinstance(a, Number) and a.name == name), None)
