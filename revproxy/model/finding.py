"""What inspection says: findings, and the verdict that follows from them."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from revproxy.model.phase import Phase


class Severity(IntEnum):
    """As in SecLang (and syslog): the lower, the graver. Only the four that rules use."""

    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5


SEVERITY_SCORE: Final = {Severity.CRITICAL: 5, Severity.ERROR: 4, Severity.WARNING: 3, Severity.NOTICE: 2}
"""Points that a finding adds unless its rule names a number."""


class Action(StrEnum):
    """What is done with a transaction."""

    ALLOW = "allow"
    DENY = "deny"
    """Refused by inspection, for good (HTTP 403, SMTP 550)."""
    DEFER = "defer"
    """No decision could be made (HTTP 503, SMTP 451): come again."""
    DROP = "drop"
    """Refused without a word: the connection is closed."""
    REJECT = "reject"
    """Refused by the protocol gate, before inspection."""


class Finding(NamedTuple):
    """One rule that matched and logs.

    `value` is what the operator saw, after transformations, cut to at most 512 bytes around the match: it is
    hostile and may be secret, so it is redacted (`audit.redaction`) before it is written anywhere.
    """

    rule: str
    phase: Phase
    severity: Severity
    score: int
    message: str
    field: str
    key: bytes = b""
    value: bytes = b""
    tags: tuple[str, ...] = ()
    action: Action = Action.ALLOW
    """DENY or DROP when the rule decides by itself, whatever the score."""
    data: bytes = b""
    """What the rule says of it besides, with references filled in (SecLang: logdata): as hostile as the value."""
    status: int = 0
    """What a rule that decides by itself wants to be answered with; 0: the usual (HTTP only)."""
    filled: bool = False
    """Whether the message has references filled in: then it is hostile, and may be secret, as well."""
    sources: tuple[tuple[str, bytes], ...] = ()
    """Fields and keys whose values may stand in `data`, or in a message that was filled in."""


class Verdict(NamedTuple):
    """The decision on a transaction so far. `enforced` is false where the route only detects."""

    action: Action
    score: int = 0
    reason: str = ""
    enforced: bool = True
    status: int = 0
    """The HTTP status that the rule that decided asks for; 0: the usual."""

    @property
    def passes(self) -> bool:
        """Whether the transaction goes on."""
        return self.action is Action.ALLOW or not self.enforced


ALLOWED: Final = Verdict(Action.ALLOW)
