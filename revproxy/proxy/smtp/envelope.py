"""What is known about a client and about the message under way. State only: nothing here talks to anybody."""

from __future__ import annotations

from dataclasses import dataclass, field

from revproxy.config.settings import Mode, Upstream
from revproxy.detection.rules import Exclusion
from revproxy.inspection import Tape
from revproxy.model import Transaction
from revproxy.protocols.smtp import Address, MailFrom


@dataclass(slots=True)
class Client:
    """The other side of a session. `extended` is true after EHLO."""

    address: str
    port: int
    our_address: str = ""
    our_port: int = 0
    helo: bytes = b""
    extended: bool = False
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a recipient domain's mail goes, whether its verdicts are enforced, and what its rules leave out. One
    message goes to one place."""

    upstream: Upstream
    mode: Mode
    excluded: tuple[Exclusion, ...] = ()


@dataclass(slots=True)
class Envelope:
    """A message under way, from MAIL on. `begun` is on the loop's clock, in seconds."""

    mail: MailFrom
    transaction: Transaction
    begun: float
    place: Place | None = None
    recipients: list[Address] = field(default_factory=list)
    set_name: str = ""
    """The rules that it was judged by."""
    tape: Tape | None = None
    """What they were shown, for others."""

    @property
    def domain(self) -> str:
        """That of the first recipient; "" where there is none."""
        return self.recipients[0].domain.decode("utf-8") if self.recipients else ""
