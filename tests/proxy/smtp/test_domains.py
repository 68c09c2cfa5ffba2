"""Which recipients are taken."""

from __future__ import annotations

import pytest

from revproxy.config.settings import Address as Place
from revproxy.config.settings import Mail, MailDomain, Mode, Settings, Upstream
from revproxy.errors import SmtpError
from revproxy.protocols.smtp import Address
from revproxy.proxy.smtp.domains import Domains


def domains(*names: str) -> Domains:
    mail = Mail("mx.example", tuple(MailDomain(name, "one", Mode.DETECT) for name in names))
    return Domains(Settings((), (Upstream("one", Place("127.0.0.1", 25)),), mail=mail))


def test_declared():
    recipient, place = domains("One.Example").place_of(Address(b"a", b"one.example"))
    assert recipient == Address(b"a", b"one.example")
    assert (place.upstream.name, place.mode) == ("one", Mode.DETECT)


def test_postmaster():
    recipient, _ = domains("one.example", "two.example").place_of(Address(b"PostMaster", b""))
    assert recipient == Address(b"postmaster", b"one.example")


@pytest.mark.parametrize(
    "address",
    [
        Address(b"a", b"other.example"),
        Address(b"a", b"x.one.example"),
        Address(b"a%b", b"one.example"),
        Address(b"a!b", b"one.example"),
        Address(b'"a@b"', b"one.example"),
    ],
)
def test_not_taken(address):
    with pytest.raises(SmtpError, match="relay"):
        domains("one.example").place_of(address)


def test_none():
    assert not domains()
    with pytest.raises(SmtpError):
        domains().place_of(Address(b"postmaster", b""))
