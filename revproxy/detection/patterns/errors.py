"""What is wrong with a pattern, and where. The rule languages turn it into a RuleError with a caret."""

from __future__ import annotations


class PatternError(ValueError):
    """`message` says what, `offset` counts from 0 into the pattern text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset

    def __reduce__(self) -> tuple[type[PatternError], tuple[str, int]]:
        return type(self), (self.message, self.offset)


class UnjoinableError(ValueError):
    """A pattern whose anchors stand where a joined scan could not be exact: scan its values one by one."""
