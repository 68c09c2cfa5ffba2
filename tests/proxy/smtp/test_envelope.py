"""State only: what a fresh client and envelope look like."""

from __future__ import annotations

from revproxy.model import Protocol, Transaction
from revproxy.protocols.smtp import parse_mail
from revproxy.proxy.smtp.envelope import Client, Envelope


def test_fresh():
    envelope = Envelope(parse_mail(b"FROM:<>"), Transaction("t", Protocol.SMTP), 0.0)
    assert (envelope.place, envelope.recipients) == (None, [])
    client = Client("192.0.2.1", 1)
    assert (client.helo, client.extended, client.tls) == (b"", False, False)
