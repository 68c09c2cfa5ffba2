"""Which recipients are taken, and where their mail goes. Whatever is not declared is not taken: no relay.

The address that goes inside is the one that was looked up here, never a text that an internal server could read
differently: local parts that some server takes apart again (`user%other.example`, `other!user`, quoted strings,
`|command`) are refused although their domain is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from revproxy.config.settings import Settings
from revproxy.detection.rules import Exclusion
from revproxy.errors import SmtpError
from revproxy.protocols.smtp import Address
from revproxy.proxy.smtp.envelope import Place
from revproxy.proxy.smtp.replies import NO_RELAY

Excluded = Mapping[str, Sequence[Exclusion]]
NOTHING: Excluded = MappingProxyType({})


class Domains:
    """The declared domains, by name in lower case."""

    __slots__ = ("_first", "_places")

    def __init__(self, settings: Settings, excluded: Excluded = NOTHING) -> None:
        """`excluded`: by domain, what rules leave out."""
        upstreams = {u.name: u for u in settings.upstreams}
        self._places = {
            _name(d.domain): Place(upstreams[d.upstream], d.mode, tuple(excluded.get(d.domain, ())))
            for d in settings.mail.domains
        }
        self._first = next(iter(self._places), b"")

    def __bool__(self) -> bool:
        return bool(self._places)

    def place_of(self, recipient: Address) -> tuple[Address, Place]:
        """The recipient as it is asked for inside, and where. SmtpError for one that we do not take.

        `<postmaster>` is that of the first declared domain (RFC 5321 4.5.1).
        """
        if not recipient.domain and self._first:
            recipient = Address(b"postmaster", self._first)
        place = self._places.get(recipient.domain)
        if place is None or not recipient.plain:
            raise SmtpError(NO_RELAY, "relay")
        return recipient, place


def _name(domain: str) -> bytes:
    """As in an address: ASCII in lower case; a name in its own script stays so, for SMTPUTF8."""
    return domain.lower().encode("utf-8")
