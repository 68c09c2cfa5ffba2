"""What is left of rules for no purpose: changes of variables that nobody asks for, and rules that do nothing else.

A rule has a purpose when its match has a face or an effect, when it takes rules out of the way that have one, or when
it changes a variable that a rule with a purpose asks for. Where in the order somebody asks does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf

from revproxy.detection.link.folddraft import Draft, Piece
from revproxy.detection.link.foldstate import DIGITS, Names, names_of
from revproxy.detection.rules import SetVariable


class Purposes:
    """Of these drafts. `live` are places of those with a purpose; `asked` whether somebody asks for a variable."""

    def __init__(self, drafts: Sequence[Draft], keep: Iterable[bytes]) -> None:
        self.live: set[int] = set()
        self._one: dict[bytes, list[tuple[Draft, Piece]]] = {}
        self._many: list[tuple[Names, Draft, Piece]] = []
        self._capturing = [d for d in drafts if any(part.condition.capture for part in d.parts)]
        self._names: set[bytes] = set()
        self._more: set[Names] = set()
        self._todo: list[Names] = [Names(name) for name in keep]
        self.stores: set[Piece] = set()
        """Those that somebody asks for."""
        for draft in drafts:
            self._begin(draft)
        while self._todo:
            self._ask(self._todo.pop())

    def asked(self, name: bytes) -> bool:
        """Whether a rule with a purpose asks for the variable."""
        return name in self._names or any(names.has(name) for names in self._more)

    def _begin(self, draft: Draft) -> None:
        wanted = draft.ends or bool(draft.watched and draft.parts) or not draft.rule.conditions
        for piece in draft.pieces():
            if not isinstance(piece.effect, SetVariable):
                wanted = True
            elif (names := names_of(piece.effect.name)).one is not None:
                self._one.setdefault(names.one, []).append((draft, piece))
            else:
                self._many.append((names, draft, piece))
        if wanted:
            self._wake(draft)

    def _wake(self, draft: Draft) -> None:
        if draft.place not in self.live:
            self.live.add(draft.place)
            self._todo += draft.reads()

    def _ask(self, names: Names) -> None:
        """Somebody asks for these: who stores one of them has a purpose, and so has what that is made of."""
        if names in self._more or names.one in self._names:
            return
        if names.one is not None:
            self._names.add(names.one)
            stores = list(self._one.get(names.one, ()))
        else:
            self._more.add(names)
            stores = [store for name, found in self._one.items() if names.has(name) for store in found]
        stores += [(draft, piece) for many, draft, piece in self._many if many.meets(names)]
        for draft, piece in stores:
            if piece not in self.stores:
                self.stores.add(piece)
                self._wake(draft)
                self._todo += piece.reads()
        if any(map(names.has, DIGITS)):
            for draft in self._capturing:
                self._wake(draft)


def purposeful(drafts: Sequence[Draft], keep: frozenset[bytes]) -> tuple[list[Draft], Purposes]:
    """The drafts that have a purpose, without the parts that have none."""
    left = list(drafts)
    _stop_idle_jumps(left)
    while True:
        purposes = Purposes(left, keep)
        left = [draft for draft in left if draft.place in purposes.live]
        if not _stop_idle_jumps(left):
            break
    captures = any(map(purposes.asked, DIGITS))
    for draft in left:
        _trim(draft, purposes, captures)
    return left, purposes


def _stop_idle_jumps(drafts: Sequence[Draft]) -> bool:
    """Take away the jumps that pass over nothing; whether there were any.

    From the end on, so that rules that do nothing but jump over such rules are found in one go.
    """
    found, ahead = False, inf
    for draft in reversed(drafts):
        if draft.target is not None and ahead >= draft.target:
            draft.target, found = None, True
        if draft.ends or draft.watched or any(part.acts for part in draft.parts):
            ahead = draft.place
    return found


def _trim(draft: Draft, purposes: Purposes, captures: bool) -> None:
    for part in draft.parts:
        for piece in part.pieces:
            piece.kept = piece.kept and (not isinstance(piece.effect, SetVariable) or piece in purposes.stores)
        if not captures and part.condition.capture:
            part.condition = replace(part.condition, capture=False)
