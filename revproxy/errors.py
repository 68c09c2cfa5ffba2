"""The one error tree. Every error that crosses a room's border is one of these.

RevproxyError
 +- LocatedError        something that a person wrote is wrong: file, line, column, caret (exit code 2)
 |   +- ConfigError     revproxy.yaml, certificates, includes
 |   +- RuleError       a signature or a rule
 +- WireError           bytes of a peer that break its protocol; never repaired
 |   +- HttpError       with the status that the client gets
 |   +- SmtpError       with the reply that the client gets
 |   +- ContentError    a body or message that its declared type does not describe
 +- LimitError          a declared limit was reached (which one, and how much it is)
 +- SupplyError         a set of signatures that was offered is not taken: at which step, and why
 |   +- BusyError       somebody else is at it
 |   +- UseError        what was asked for is wrong: a name, an address (exit code 2)
 +- PeerError           the other side went away, was silent for too long or could not be reached
     +- PeerClosed
     +- PeerTimeout
     +- UpstreamError   an internal server: refused, broken or lying on the wire

The texts are for logs and operators. No text of any of them is ever sent to a client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")
MOST_SHOWN: Final = 160
"""Characters of a person's line that an error shows."""
_CUT: Final = "..."


class RevproxyError(Exception):
    """Root of the tree."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where in a file: `line` and `column` count from 1; 0 when the whole file is meant."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


class LocatedError(RevproxyError):
    """Something written by a person is wrong; `str()` shows the place, the line (what is around, of a long one) and a
    caret."""

    def __init__(self, message: str, where: Location, source: str = "", hint: str = "") -> None:
        """`source` is the text of the whole line; `hint` what to write instead."""
        super().__init__(message)
        self.message = message
        self.where = where
        self.source = source.rstrip("\r\n")
        self.hint = hint

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.message}"]
        if self.source and self.where.line:
            shown, column = _shown(self.source, self.where.column)
            lines.append(f"  {shown}")
            if column:
                lead = "".join("\t" if c == "\t" else " " for c in shown[: column - 1])
                lines.append(f"  {lead}^")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[type[LocatedError], tuple[str, Location, str, str]]:
        return type(self), (self.message, self.where, self.source, self.hint)


def _shown(source: str, column: int) -> tuple[str, int]:
    """A line, and a column in it; of a long line what is around that column."""
    if len(source) <= MOST_SHOWN:
        return source, column
    begin = max(0, min(column - 1 - MOST_SHOWN // 2, len(source) - MOST_SHOWN))
    end = begin + MOST_SHOWN
    before, behind = _CUT if begin else "", _CUT if end < len(source) else ""
    shown = f"{before}{source[begin:end]}{behind}"
    return shown, min(column - begin + len(before), len(shown) + 1) if column else 0


class ConfigError(LocatedError):
    """The configuration, a certificate or an included file."""


class RuleError(LocatedError):
    """A signature or a rule."""


class ManyErrors(RevproxyError):
    """Several located errors found in one pass, so that a person mends them in one go."""

    def __init__(self, errors: Sequence[LocatedError]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = tuple(errors)

    def __reduce__(self) -> tuple[type[ManyErrors], tuple[tuple[LocatedError, ...]]]:
        return type(self), (self.errors,)


def together(errors: Sequence[LocatedError]) -> LocatedError | ManyErrors:
    """What to raise for at least one error: the error itself, or ManyErrors."""
    return errors[0] if len(errors) == 1 else ManyErrors(errors)


def attempt(wrong: list[LocatedError], make: Callable[[], T]) -> T | None:
    """What `make` gives; None when it meets located errors, which are added to `wrong`."""
    try:
        return make()
    except ManyErrors as error:
        wrong += error.errors
    except LocatedError as error:
        wrong.append(error)
    return None


class WireError(RevproxyError):
    """Bytes that break a protocol. `reason` is a short fixed word for logs and metrics."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class HttpError(WireError):
    """A message that the HTTP gate does not take. `status` is what the client gets."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class SmtpError(WireError):
    """A command or a message that the SMTP front does not take. `reply` is a whole reply text, ours."""

    def __init__(self, reply: str, reason: str) -> None:
        super().__init__(reason)
        self.reply = reply


class ContentError(WireError):
    """A body or message that its declared type does not describe."""


class LimitError(RevproxyError):
    """A declared limit was reached. `limit` is its name in `model.limits`."""

    def __init__(self, limit: str, most: int) -> None:
        super().__init__(f"{limit} is over {most}")
        self.limit = limit
        self.most = most


class SupplyError(RevproxyError):
    """A set of signatures that was offered is not taken; what is in force stays. `step` is where it ended."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step}: {reason}")
        self.step = step
        self.reason = reason

    def __reduce__(self) -> tuple[type[SupplyError], tuple[str, str]]:
        return type(self), (self.step, self.reason)


class BusyError(SupplyError):
    """Another change is under way; this one was not begun."""


class UseError(SupplyError):
    """Somebody asked for what makes no sense: a feed that there is not, an address that nobody fetches from."""


class PeerError(RevproxyError):
    """The other side of a connection failed us."""


class PeerClosed(PeerError):
    """It closed, or the connection broke."""


class PeerTimeout(PeerError):
    """It was silent or slow for longer than its state allows."""


class UpstreamError(PeerError):
    """An internal server could not be reached, or what it sent is no clean message."""
