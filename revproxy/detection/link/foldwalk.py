"""All rules folded in the order in which they run, along every way that a transaction may take among them.

What is known holds at a place for whoever comes there: where a way arrives that has passed over rules, what those
change is not known any more. A rule may be in doubt: another may remove it. Then it says something only to rules that
the same would remove.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass

from revproxy.detection.link.chosen import Chooser
from revproxy.detection.link.foldcourse import REPEATED, Course, Landings
from revproxy.detection.link.folddraft import Draft, Piece, looked_at
from revproxy.detection.link.foldrule import RuleFolder, Spot, stored_by
from revproxy.detection.link.foldstate import Doubts, Variables, read_by
from revproxy.detection.rules import (
    MATCHED_NAME,
    MATCHED_ONE,
    VARIABLE_NAMES,
    VARIABLES,
    Chosen,
    Control,
    Reference,
    RemoveRules,
    RemoveTarget,
    Rule,
    SetControl,
)
from revproxy.errors import RuleError
from revproxy.model import Phase

_LAST = frozenset({MATCHED_ONE, MATCHED_NAME})
_TABLES = frozenset({VARIABLES, VARIABLE_NAMES})
_OFF = SetControl(Control.ENGINE, "off")


@dataclass(frozen=True, slots=True)
class _Shadow:
    """Up to the place `until`, the rule passes over all rules that run only where it does."""

    rule: Rule
    doubts: Doubts
    until: int


class Walk:
    """`run` it, then look at what is left in `drafts`, at what went in `removed` (by place), and at the events."""

    def __init__(
        self, course: Course, given: Mapping[bytes, bytes], excluded: Collection[frozenset[str]] = ()
    ) -> None:
        self.course = course
        self.folder = RuleFolder(Variables(given))
        self.drafts: list[Draft] = []
        self.removed: dict[int, str] = {}
        self._landings = Landings()
        self._shadows: list[_Shadow] = []
        self._chooser = Chooser(course.rules)
        self._doubts: dict[int, set[Hashable]] = {}
        self._asked: set[Chosen] = set()
        self._exclude(excluded)
        self._loses = self._losing()
        self._watched = self._last_watcher()
        self._spoken = frozenset(p for rule in course.rules if _touches(rule) for p in rule.protocols)

    def run(self) -> None:
        """Once, through all phases."""
        for phase, (first, behind) in self.course.bounds.items():
            if phase is not Phase.HEAD:
                self._landings.open(first - 1, behind)
            if phase in REPEATED:
                self._expect(first, behind)
            for place in range(first, behind):
                self._visit(place, phase)

    def _expect(self, first: int, behind: int) -> None:
        """What rules of a phase do may have been done before its first rule: in the round before."""
        for place in range(first, behind):
            rule = self._rule(place)
            for condition in rule.conditions:
                for names in stored_by(condition):
                    self.folder.variables.blur(names)
                for effect in condition.effects:
                    if isinstance(effect, RemoveRules):
                        self._doubt(rule, effect, first - 1)

    def _visit(self, place: int, phase: Phase) -> None:
        source = self._landings.arrive(place)
        if source is not None:
            self.folder.variables.blur_since(source)
        rule = self._rule(place)
        doubts = self._doubts_of(place, rule, phase)
        if place not in self.removed and (skipping := self._skipping(place, rule, doubts)) is not None:
            self.removed[place] = f"skipped by {skipping.id}"
        if place in self.removed:
            return
        ahead = self._landings.next
        spot = Spot(place, ahead, doubts, phase in REPEATED, place < self._watched, place in self._loses)
        draft = self.folder.fold(rule, spot)
        self.drafts.append(draft)
        for piece in draft.pieces():
            self._affect(draft, piece, sure=piece.sure and ahead is None and not doubts)
        if not draft.fails:
            self._leave(draft, phase, spot)

    def _leave(self, draft: Draft, phase: Phase, spot: Spot) -> None:
        """Where the rule goes on after a match."""
        place, rule, ahead = draft.place, draft.rule, spot.around
        target = self.course.targets.get(place, 0)
        if target > place + 1:
            draft.target = target
            self._landings.open(place, target)
            if draft.fixed:
                self._shadows.append(_Shadow(rule, spot.doubts, target if ahead is None else min(target, ahead)))
        if rule.passes is not None and (target := self.course.passed_over(place, rule.passes, phase)) > place + 1:
            self._landings.open(place, target)

    def _skipping(self, place: int, rule: Rule, doubts: Doubts) -> Rule | None:
        """A rule because of which this one never runs: whatever removes that one removes this one too."""
        self._shadows = [s for s in self._shadows if s.until > place]
        for shadow in self._shadows:
            if rule.protocols <= shadow.rule.protocols and shadow.doubts <= doubts:
                return shadow.rule
        return None

    def _doubts_of(self, place: int, rule: Rule, phase: Phase) -> Doubts:
        """Why the rule may not run where one comes by: removed, for another protocol, or done with."""
        doubts: set[Hashable] = self._doubts.get(place, set()) | (self._spoken - rule.protocols)
        if phase in REPEATED and (rule.logs or rule.score):
            doubts.add(rule.id)
        return frozenset(doubts)

    def _affect(self, draft: Draft, piece: Piece, sure: bool) -> None:
        """What an effect means for the rules after it."""
        if piece.effect == _OFF:
            self._landings.open(draft.place, self.course.end)
        if isinstance(piece.effect, RemoveRules):
            if sure:
                piece.kept = not self._removes(draft, piece.effect)
            if piece.kept:
                self._doubt(draft.rule, piece.effect, draft.place)

    def _removes(self, draft: Draft, effect: RemoveRules) -> bool:
        """Take the chosen rules away; whether these were all."""
        later = [at for at in self._chosen(draft.rule, effect) if self.course.place[at] > draft.place]
        gone = [at for at in later if self.course.rules[at].protocols <= draft.rule.protocols]
        for at in gone:
            self.removed.setdefault(self.course.place[at], f"removed by {draft.rule.id}")
        return len(gone) == len(later)

    def _exclude(self, excluded: Collection[frozenset[str]]) -> None:
        """Each of these sets of ids is a reason of its own not to run."""
        for at, rule in enumerate(self.course.rules):
            for ids in excluded:
                if rule.id in ids:
                    self._doubts.setdefault(self.course.place[at], set()).add(ids)

    def _doubt(self, rule: Rule, effect: RemoveRules, place: int) -> None:
        if effect.rules not in self._asked:
            self._asked.add(effect.rules)
            for at in self._chosen(rule, effect):
                if self.course.place[at] > place:
                    self._doubts.setdefault(self.course.place[at], set()).add(effect.rules)

    def _chosen(self, rule: Rule, effect: RemoveRules | RemoveTarget) -> frozenset[int]:
        try:
            return self._chooser.of(effect.rules)
        except ValueError as error:
            raise RuleError(f"rule `{rule.id}`: {error}", rule.origin) from error

    def _rule(self, place: int) -> Rule:
        return self.course.rules[self.course.order[place]]

    def _losing(self) -> frozenset[int]:
        """Places of rules that may lose variables as targets."""
        lost = [
            (rule, effect)
            for rule in self.course.rules
            for condition in rule.conditions
            for effect in condition.effects
            if isinstance(effect, RemoveTarget) and effect.field in _TABLES
        ]
        return frozenset(self.course.place[at] for rule, effect in lost for at in self._chosen(rule, effect))

    def _last_watcher(self) -> int:
        """The last place at which a rule looks at what a rule before it accepted."""
        last = 0
        for phase, (first, behind) in self.course.bounds.items():
            for place in range(first, behind):
                if _watches(self._rule(place)):
                    last = behind if phase in REPEATED else place
        if last:
            self.folder.notes.append("a rule looks at what another one accepted: rules before it are not folded away")
        return last


def _watches(rule: Rule) -> bool:
    first = rule.conditions[:1]
    refers = (p for c in first for o in c.operators for p in o.template if isinstance(p, Reference))
    return any(t.field in _LAST for c in first for t in c.targets) or any(p.field in _LAST for p in refers)


def _touches(rule: Rule) -> bool:
    """Whether variables, or the way of a transaction, have to do with the rule."""
    if rule.skip or rule.skip_after or rule.passes is not None:
        return True
    return any(read_by((*rule.said, *rule.data))) or any(
        c.effects
        or c.capture
        or any(looked_at(t) is not None for t in c.targets)
        or any(names for o in c.operators for names in read_by(o.template))
        for c in rule.conditions
    )
