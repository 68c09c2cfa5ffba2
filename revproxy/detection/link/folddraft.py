"""A rule while it is being folded: what is left of it, and what it does and asks with that.

Variables are the only thing that is decided here; a rule's face is what others see of a match: a finding, a verdict,
points.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from revproxy.detection.link.foldstate import EVERY, NO_DOUBTS, Doubts, Names, read_by
from revproxy.detection.rules import (
    MATCHED,
    MATCHED_NAME,
    MATCHED_NAMES,
    MATCHED_ONE,
    VARIABLE_NAMES,
    VARIABLES,
    Condition,
    Effect,
    Reference,
    Rule,
    SetVariable,
    Target,
    Template,
)
from revproxy.model import Action

MATCHES = frozenset({MATCHED, MATCHED_NAMES, MATCHED_ONE, MATCHED_NAME})
"""Fields that tell what was accepted before."""
ALWAYS = Condition((), ())


@dataclass(slots=True, eq=False)
class Piece:
    """An effect, `sure` when it is carried out wherever the rule runs. `value` is what the variable `name` then
    becomes for certain; `around` is the first place that one may reach without having passed the rule, `doubts` are
    reasons for which it may not run where one passes."""

    effect: Effect
    sure: bool = False
    name: bytes = b""
    value: bytes | None = None
    around: int | None = None
    doubts: Doubts = NO_DOUBTS
    kept: bool = True

    def reads(self) -> Iterator[Names]:
        """The variables that it asks for. One that is added to is no more asked for than before."""
        if isinstance(self.effect, SetVariable):
            yield from read_by(self.effect.name)
            yield from read_by(self.effect.value)


@dataclass(slots=True, eq=False)
class Part:
    """A condition, with its effects apart. A `bare` one always holds, and nobody looks at what it accepts."""

    condition: Condition
    pieces: list[Piece] = field(default_factory=list)
    bare: bool = False

    def reads(self) -> Iterator[Names]:
        """The variables that it asks for when it is tried."""
        if not self.bare:
            yield from (names for t in self.condition.targets if (names := looked_at(t)) is not None)
            yield from (names for o in self.condition.operators for names in read_by(o.template))

    @property
    def acts(self) -> bool:
        """Whether its match can be noticed by itself."""
        return self.condition.capture or any(piece.kept for piece in self.pieces)

    def rebuilt(self) -> Condition | None:
        """The condition that is left, or None."""
        effects = tuple(piece.effect for piece in self.pieces if piece.kept)
        if self.bare:
            return replace(ALWAYS, effects=effects) if effects else None
        return self.condition if effects == self.condition.effects else replace(self.condition, effects=effects)


@dataclass(slots=True, eq=False)
class Draft:
    """The rule at `place`. It `fails` when it can never match as a whole, and is `fixed` when nothing of it depends
    on a transaction; `target` is where it goes on after a match; `watched` when a later rule looks at what it
    accepts."""

    place: int
    rule: Rule
    parts: list[Part] = field(default_factory=list)
    said: Template = ()
    data: Template = ()
    target: int | None = None
    fails: bool = False
    fixed: bool = True
    watched: bool = False

    @property
    def shown(self) -> bool:
        """Whether a match has a face."""
        return not self.fails and has_face(self.rule)

    @property
    def ends(self) -> bool:
        """Whether something comes of a match of the whole rule."""
        return self.shown or (not self.fails and (self.target is not None or self.rule.passes is not None))

    def pieces(self) -> Iterator[Piece]:
        """The effects that are left."""
        return (piece for part in self.parts for piece in part.pieces if piece.kept)

    def reads(self) -> Iterator[Names]:
        """The variables that it asks for besides those of its effects."""
        for part in self.parts:
            yield from part.reads()
        if self.shown:
            yield from read_by(self.said)
            yield from read_by(self.data)

    def reason(self) -> str:
        """Why it is gone, if nothing is left of it."""
        return "never" if self.fails else "folded" if self.fixed else "without purpose"

    def rebuilt(self) -> Rule:
        """The rule that is left."""
        if not self.rule.conditions:
            return self.rule  # linking says that it has none
        parts = self.parts
        if not self.ends and not self.watched:
            parts = parts[: max((n for n, part in enumerate(parts, 1) if part.acts), default=0)]
        conditions = tuple(c for part in parts if (c := part.rebuilt()) is not None)
        kept = replace(self.rule, conditions=conditions or (ALWAYS,), said=self.said, data=self.data)
        if self.fails:
            kept = replace(kept, action=Action.ALLOW, logs=False, score=0, said=(), data=(), passes=None)
        if self.target is None:
            kept = replace(kept, skip=0, skip_after="")
        return self.rule if kept == self.rule else kept


def has_face(rule: Rule) -> bool:
    """Whether others see it when the rule matches."""
    return rule.logs or rule.score != 0 or rule.action is not Action.ALLOW


def looked_at(target: Target) -> Names | None:
    """The variables that a target asks for."""
    if target.field == VARIABLE_NAMES:
        return EVERY
    if target.field != VARIABLES:
        return None
    if target.key is not None:
        return Names(target.key.lower())
    return EVERY if target.pattern is None else Names(pattern=target.pattern)


def tells(templates: Iterable[Template], fields: frozenset[str]) -> bool:
    """Whether one of the templates refers to one of the fields."""
    return any(isinstance(part, Reference) and part.field in fields for t in templates for part in t)
