"""Which certain changes of variables may have happened before a transaction begins.

A change may be moved to the beginning when nobody has asked for the variable or changed it before, and when nobody
asks for it who may have come by without the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from revproxy.detection.link.folddraft import Piece
from revproxy.detection.link.foldrule import Event, Read
from revproxy.detection.link.foldstate import Doubts, Names


class _Reads:
    """Who asks for variables: for names, the last place and the doubts that all who ask share."""

    __slots__ = ("_many", "_one")

    def __init__(self, events: Iterable[Event]) -> None:
        self._one: dict[bytes, tuple[int, Doubts]] = {}
        self._many: dict[Names, tuple[int, Doubts]] = {}
        for event in events:
            if isinstance(event, Read):
                self._meet(event)

    def _meet(self, read: Read) -> None:
        one, names = read.names.one, read.names
        known = self._many.get(names) if one is None else self._one.get(one)
        told = (read.place, read.doubts if known is None else read.doubts & known[1])
        if one is None:
            self._many[names] = told
        else:
            self._one[one] = told

    def miss(self, piece: Piece) -> bool:
        """Whether somebody may ask who has passed around the change, or where its rule may not have run."""
        told = [told for names, told in self._many.items() if names.has(piece.name)]
        told += [self._one[piece.name]] if piece.name in self._one else []
        around = any(piece.around is not None and place >= piece.around for place, _ in told)
        return around or any(not piece.doubts <= doubts for _, doubts in told)


class _Met:
    """Names that were met."""

    __slots__ = ("_many", "_one")

    def __init__(self) -> None:
        self._one: set[bytes] = set()
        self._many: set[Names] = set()

    def add(self, names: Names) -> None:
        if names.one is not None:
            self._one.add(names.one)
        else:
            self._many.add(names)

    def __contains__(self, name: bytes) -> bool:
        return name in self._one or any(names.has(name) for names in self._many)


def hoist(events: Sequence[Event], given: Mapping[bytes, bytes], keep: frozenset[bytes]) -> dict[bytes, bytes]:
    """The variables that a transaction begins with. Pieces that they stand for are not kept any more.

    `keep` are names that are asked for after the end, by somebody without doubts.
    """
    reads, met = _Reads(events), _Met()
    begin = {name.lower(): value for name, value in given.items()}
    for event in events:
        if not isinstance(event, Piece):
            met.add(event.names)
        elif event.name in met or reads.miss(event) or (event.name in keep and _may_miss(event)):
            met.add(Names(event.name))
        else:
            event.kept = False
            _put(begin, event.name, event.value)
    return begin


def _may_miss(piece: Piece) -> bool:
    return piece.around is not None or bool(piece.doubts)


def _put(begin: dict[bytes, bytes], name: bytes, value: bytes | None) -> None:
    if value is None:
        begin.pop(name, None)
    else:
        begin[name] = value
