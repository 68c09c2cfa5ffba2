"""What is wrong with a piece of the tree, before it is known where that piece stands."""

from __future__ import annotations


class Problem(Exception):
    """Something that cannot be lowered; internal to lowering, which turns it into a located RuleError."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
