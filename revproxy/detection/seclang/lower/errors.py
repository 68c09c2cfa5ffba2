"""What is wrong with a piece of the tree, before it is known where that piece stands."""

from __future__ import annotations

from revproxy.errors import Location


class Problem(Exception):
    """Something that cannot be lowered; internal to lowering, which turns it into a located RuleError."""

    def __init__(self, message: str, hint: str = "", where: Location | None = None) -> None:
        """`where` is for a problem that knows its place all the same."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
