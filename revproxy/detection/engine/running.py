"""Running rules in order, as far as those before them let it come to that."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final, NamedTuple

from revproxy.detection.engine.adding import adding
from revproxy.detection.engine.executor import Hit, Program
from revproxy.detection.engine.state import Scene
from revproxy.detection.link import RuleSet
from revproxy.detection.rules import Control, Rule, Scope
from revproxy.model import Action, Phase, Protocol


class Fired:
    """A rule that matched, by its position, and whether rules only detect by then."""

    __slots__ = ("at", "detects", "hit", "phase")

    def __init__(self, at: int, phase: Phase, hit: Hit, detects: bool) -> None:
        self.at = at
        self.phase = phase
        self.hit = hit
        self.detects = detects


class Place(NamedTuple):
    """Where a jump leads: rules of the phase `jumping` before the position `resume` are passed over."""

    jumping: Phase = Phase.HEAD
    resume: int = 0


START: Final = Place()
_ENGINE: Final = Control.ENGINE


def _over(scope: Scope, phase: Phase) -> frozenset[Phase]:
    match scope:
        case Scope.PHASE:
            return frozenset({phase})
        case Scope.REQUEST:
            return frozenset({phase, Phase.HEAD, Phase.BODY})
        case Scope.TRANSACTION:
            return frozenset(Phase) - {Phase.LOG}


_OVER: Final = {(scope, phase): _over(scope, phase) for scope in Scope for phase in Phase}


def _over_after(rule: Rule, phase: Phase, enforces: bool) -> frozenset[Phase]:
    """The phases in which nothing runs after a match: after a refusal, if it is carried out, all but LOG."""
    if rule.passes is not None:
        return _OVER[rule.passes, phase]
    return _OVER[Scope.TRANSACTION, phase] | {phase} if enforces else frozenset()


class Runner:
    """Runs rules of one set, by their positions."""

    __slots__ = ("_decides", "_idle", "_ids", "_jumps", "_rules", "_runs", "_usual", "adding", "phases")

    def __init__(self, ruleset: RuleSet, programs: Sequence[Program], idle: frozenset[int]) -> None:
        """`idle` rules do nothing until another has done something."""
        self._rules = [program.rule for program in programs]
        self._ids = [rule.id for rule in self._rules]
        self._decides = [rule.passes is not None or rule.action is not Action.ALLOW for rule in self._rules]
        """Of each, whether it may end phases."""
        self._jumps = ruleset.jumps
        self.phases = ruleset.phases
        """By protocol, those of all rules."""
        found = adding(ruleset, programs)
        self.adding = frozenset(found)
        """Rules of which it depends on what they did before what they do."""
        self._runs = [found[at].run if at in found else program.run for at, program in enumerate(programs)]
        self._usual = "detect" if ruleset.detects else "on"
        self._idle = idle

    def run(
        self, rules: Sequence[int], protocol: Protocol, scene: Scene, place: Place, known: Container[str]
    ) -> tuple[Place, list[Fired]]:
        """Run these, but for those with a `known` id, from `place` on: (the place afterwards, what matched)."""
        phases, state = self.phases[protocol], scene.state
        fired = []
        for at in rules:
            phase = phases[at]
            if phase in state.over or at in state.removed or (at < place.resume and phase is place.jumping):
                continue
            if not state.touched and at in self._idle:
                continue
            if known and self._ids[at] in known:
                continue
            hit = self._runs[at](scene)
            if hit is None:
                continue
            detects = state.controls.get(_ENGINE, self._usual) == "detect"
            fired.append(Fired(at, phase, hit, detects))
            if self._decides[at] and not detects:
                state.over |= _over_after(self._rules[at], phase, state.enforces)
                state.touch()
            if at in self._jumps:
                place = Place(phase, self._jumps[at])
        return place, fired
