"""What becomes of a word."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How far a word of the language is honoured."""

    HONOURED = "honoured"
    """It stands in the tree, for lowering."""
    PERSISTENT = "persistent"
    """It stands in the tree; it is about collections that outlive a transaction, which lowering may not have."""
    FIXED = "fixed"
    """Taken where it says what is done anyway, an error otherwise."""
    NOTED = "noted"
    """Taken with a notice that says where in our own configuration it has its home, or why it has no effect."""
    REFUSED = "refused"
    """An error that says what to use instead."""
