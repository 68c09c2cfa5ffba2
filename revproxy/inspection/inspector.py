"""What an inspector is: anything that looks at a transaction and adds findings to it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from revproxy.model import Phase, Transaction


class Inspector(Protocol):
    """One of the things that `Inspection` asks, in the order of its list.

    An inspector that needs no I/O does its work in the call and returns None, which costs nothing; one that does
    I/O returns an awaitable, which is given what is left of the time budget.
    """

    name: str

    def inspect(
        self, transaction: Transaction, first: Phase, last: Phase, size: int, part: bool
    ) -> Awaitable[None] | None:
        """Look at phases `first` to `last`, some `size` bytes; add findings and scores to the transaction.

        `part`: only a part of a long content is new, see `Inspection.inspect`.
        """
