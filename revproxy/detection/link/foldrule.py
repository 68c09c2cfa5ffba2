"""One rule folded where it stands: its conditions decided, what is known filled in, its effects on what is known.

What is asked of variables, and what is done to them, while transactions run is written down in order as events, for
`foldhoist`. How one comes to the rule, and where it goes on, is `foldwalk`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from revproxy.detection.link.folddecide import NEVER, Outcome, decide, settled
from revproxy.detection.link.folddraft import MATCHES, Draft, Part, Piece, has_face, tells
from revproxy.detection.link.foldstate import (
    DIGITS,
    NO_DOUBTS,
    UNKNOWN,
    Doubts,
    Names,
    Variables,
    assigned,
    fill,
    names_of,
    read_by,
)
from revproxy.detection.rules import (
    PSEUDO,
    Assign,
    Condition,
    Effect,
    Rule,
    SetVariable,
    constant,
)


@dataclass(frozen=True, slots=True)
class Read:
    """While a transaction runs, the rule at `place` asks for one of these variables. It has these doubts."""

    place: int
    names: Names
    doubts: Doubts


@dataclass(frozen=True, slots=True)
class Wrote:
    """While a transaction runs, one of these variables may change."""

    names: Names


Event = Read | Wrote | Piece
"""A piece: its variable certainly changes."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a rule stands. `around` and `doubts` as in `Piece`; `repeated` when it may run again; `watched` when a
    later rule looks at what it accepts; `loses` when a rule may take variables out of its targets."""

    place: int
    around: int | None = None
    doubts: Doubts = NO_DOUBTS
    repeated: bool = False
    watched: bool = False
    loses: bool = False


class RuleFolder:
    """Folds one rule after the other, in the order in which they run."""

    def __init__(self, variables: Variables) -> None:
        self.variables = variables
        self.events: list[Event] = []
        self.notes: list[str] = []

    def fold(self, rule: Rule, spot: Spot) -> Draft:
        """What is left of the rule, before it is known which of its effects have a purpose."""
        draft = Draft(spot.place, rule, watched=spot.watched)
        self.variables.doubts = spot.doubts
        for number, condition in enumerate(rule.conditions):
            outcome = Outcome.OPEN if spot.loses and condition.targets else decide(condition, self.variables)
            if outcome is Outcome.FAILS:
                draft.fails = True
                break
            draft.fixed = draft.fixed and outcome is Outcome.HOLDS
            bare = outcome is Outcome.HOLDS and not spot.watched and _unseen(rule, number)
            draft.parts.append(self._part(rule, condition, bare, draft.fixed, spot))
        else:
            self._says(draft)
        return draft

    def _says(self, draft: Draft) -> None:
        """Message and data are filled in when all conditions have matched."""
        rule = draft.rule
        draft.said, draft.data = fill(rule.said, self.variables), fill(rule.data, self.variables)
        if has_face(rule):
            self._reads(draft.place, read_by((*draft.said, *draft.data)))

    def _part(self, rule: Rule, condition: Condition, bare: bool, sure: bool, spot: Spot) -> Part:
        if not sure:
            # Several values may be accepted: what is done for one is seen by the next.
            for names in stored_by(condition):
                self.variables.blur(names)
        operators = settled(condition, self.variables)
        if NEVER in operators and NEVER not in condition.operators:
            self.notes.append(f"{rule.id}: an operator cannot take what its variables say, and accepts nothing")
        part = Part(replace(condition, operators=operators), bare=bare)
        self._reads(spot.place, part.reads())
        if condition.capture:
            self._writes(Names(digit) for digit in DIGITS)
        part.pieces += [self._sure(e, spot) if sure else self._open(e, spot) for e in condition.effects]
        return part

    def _open(self, effect: Effect, spot: Spot) -> Piece:
        """An effect that is carried out or not."""
        if not isinstance(effect, SetVariable):
            return Piece(effect)
        name, value = fill(effect.name, self.variables), fill(effect.value, self.variables)
        piece = Piece(SetVariable(name, effect.how, value))
        self._reads(spot.place, piece.reads())
        self._writes([names_of(name)])
        return piece

    def _sure(self, effect: Effect, spot: Spot) -> Piece:
        """An effect that is carried out once, wherever the rule runs."""
        if not isinstance(effect, SetVariable):
            return Piece(effect, sure=True)
        name = names_of(fill(effect.name, self.variables)).one
        value = constant(fill(effect.value, self.variables))
        if name is None or (value is None and effect.how is not Assign.UNSET):
            return self._open(effect, spot)
        before = self.variables.get(name)
        if before is UNKNOWN and effect.how in (Assign.ADD, Assign.SUBTRACT):
            return self._open(effect, spot)
        after = assigned(None if before is UNKNOWN else before, effect.how, value or b"")
        how = Assign.UNSET if after is None else Assign.SET
        made = SetVariable((name,), how, () if after is None else (after,))
        piece = Piece(made, True, name, after, spot.around, spot.doubts)
        if after == before:
            piece.kept = False
            return piece
        self.variables.put(name, after, spot.place)
        self.events.append(Wrote(Names(name)) if spot.repeated else piece)
        return piece

    def _reads(self, place: int, asked: Iterable[Names]) -> None:
        self.events += [Read(place, names, self.variables.doubts) for names in asked]

    def _writes(self, stored: Iterable[Names]) -> None:
        for names in stored:
            self.variables.blur(names)
            self.events.append(Wrote(names))


def stored_by(condition: Condition) -> list[Names]:
    """The variables that a condition may change."""
    names = [names_of(e.name) for e in condition.effects if isinstance(e, SetVariable)]
    return [*names, *map(Names, DIGITS)] if condition.capture else names


def _unseen(rule: Rule, number: int) -> bool:
    """Whether, when this condition of the rule holds, nobody notices what it accepts: no effect of its own, not the
    condition after it, and no finding."""
    condition, behind = rule.conditions[number], rule.conditions[number + 1 : number + 2]
    stores = [e for e in condition.effects if isinstance(e, SetVariable)]
    asking = [t for e in stores for t in (e.name, e.value)] + [o.template for c in behind for o in c.operators]
    looking = any(t.field in MATCHES for c in behind for t in c.targets)
    if condition.capture or looking or tells(asking, MATCHES):
        return False
    return not has_face(rule) or not (condition.effects or _shows_in_finding(rule, number))


def _shows_in_finding(rule: Rule, number: int) -> bool:
    """Whether what the condition accepts is needed for what a finding says: the first one may name it, and message
    and data may tell of the one that accepted last."""
    others = any(t.field not in PSEUDO for c in rule.conditions[1:] for t in c.targets)
    return (number == 0 and not others) or tells((rule.said, rule.data), MATCHES)
