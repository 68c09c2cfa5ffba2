"""What goes from a supervisor to its workers: prepared once, sent to each of them, also to those that come later."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType

from revproxy.runtime.parts import Prepared
from revproxy.runtime.unnamed import as_file

_NOTHING: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Parcel:
    """`Prepared` as a pickle, and its pieces."""

    ruleset_name: str
    rest: str
    prepared: bytes
    pieces: Mapping[str, bytes]

    @classmethod
    def of(cls, prepared: Prepared, known: Mapping[str, bytes] = _NOTHING) -> Parcel:
        """Pack it. Pieces that are known already are not held a second time."""
        pieces = {name: known.get(name, piece) for name, piece in prepared.pieces.items()}
        return cls(prepared.ruleset_name, prepared.rest, pickle.dumps(prepared), pieces)

    def holds(self, prepared: Prepared) -> bool:
        """Whether this is it: all of it the same, and of the same pieces."""
        return (prepared.rest, prepared.ruleset_name) == (self.rest, self.ruleset_name) and (
            prepared.pieces.keys() == self.pieces.keys()
        )

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """The names and lengths of the pieces, as they stand in `stored`."""
        return tuple((name, len(piece)) for name, piece in self.pieces.items())

    def stored(self) -> AbstractContextManager[int]:
        """The descriptor of a file of all pieces, for workers that begin. Raises OSError."""
        return as_file(self.pieces.values())

    def missing(self, held: Collection[str]) -> tuple[str, ...]:
        """The names of the pieces that are not among those held."""
        return tuple(name for name in self.pieces if name not in held)

    def frames(self, names: Collection[str]) -> Iterator[bytes]:
        """The pieces of these names."""
        return (self.pieces[name] for name in names)
