"""Rules that add to variables for what they find, in phases that run several times.

A phase runs again for each window of a long body and each piece of a streamed one, and what came before is partly
there again (the query, the overlap of windows). Invariant: what such a rule adds in a transaction is the most that it
added in one run, so that nothing counts twice; a variable that was set in between begins anew. Rules that look at
variables only (those that add scores up) are not of this kind: they are right each time.
"""

from __future__ import annotations

from collections.abc import Sequence

from revproxy.detection.engine.executor import Hit, Program
from revproxy.detection.engine.state import Scene, State
from revproxy.detection.link import RuleSet
from revproxy.detection.link.foldcourse import REPEATED
from revproxy.detection.operators.numbers import number
from revproxy.detection.rules import PSEUDO, Assign, Rule, SetVariable, constant


class Adding:
    """One rule of this kind. `names` are the variables that it adds to."""

    __slots__ = ("_names", "_program")

    def __init__(self, program: Program, names: Sequence[bytes]) -> None:
        self._program = program
        self._names = tuple(names)

    def run(self, scene: Scene) -> Hit | None:
        """As `Program.run`."""
        state, at = scene.state, self._program.at
        bases = [_taken_out(at, name, state) for name in self._names]
        hit = self._program.run(scene)
        for name, (base, most) in zip(self._names, bases, strict=True):
            more = max(most, number(state.variables.get(name, b"")) - base)
            if more:
                state.variables[name] = b"%d" % (base + more)
                state.added.setdefault(name, {})[at] = more
        return hit


def _taken_out(at: int, name: bytes, state: State) -> tuple[int, int]:
    """(the variable without what the rule added before, what that was)."""
    value = number(state.variables.get(name, b""))
    most = state.added.get(name, {}).get(at, 0)
    if most:
        state.variables[name] = b"%d" % (value - most)
    return value - most, most


def adds_to(rule: Rule) -> tuple[bytes, ...]:
    """The variables that a rule of this kind adds to, if it is one; names that depend on a transaction are left out.

    A rule that logs and adds only when all of it has matched is none: once it has matched it does not run again.
    """
    fields = {t.field for c in rule.conditions for t in c.targets}
    if fields <= PSEUDO:
        return ()
    conditions = rule.conditions[:-1] if rule.logs or rule.score else rule.conditions
    effects = [e for c in conditions for e in c.effects if isinstance(e, SetVariable) and e.how is Assign.ADD]
    names = [constant(e.name) for e in effects]
    return tuple(dict.fromkeys(name.lower() for name in names if name is not None))


def adding(ruleset: RuleSet, programs: Sequence[Program]) -> dict[int, Adding]:
    """Those of a set, by position."""
    phases = zip(*ruleset.phases.values(), strict=True)
    repeated = [at for at, own in enumerate(phases) if not REPEATED.isdisjoint(own)]
    return {at: Adding(programs[at], names) for at in repeated if (names := adds_to(programs[at].rule))}
