"""Server contexts: the certificate that fits the name, and faults that name their file."""

import ssl
from pathlib import Path

import pytest

from revproxy.config.settings import Certificate, ListenerTls
from revproxy.errors import ConfigError
from revproxy.net.tls import certificate_names, server_context


class Issuer:
    """What `certificates` of conftest gives."""

    ca: str

    def issue(self, *names: str) -> tuple[str, str]: ...


def names_served(server: ssl.SSLContext, ca: str, asked: str | None, minimum: ssl.TLSVersion) -> set[str]:
    """A handshake in memory; the DNS names of the certificate that came."""
    client = ssl.create_default_context(cafile=ca)
    client.check_hostname = False
    client.maximum_version = minimum
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=asked)
    done = False
    for _ in range(5):
        for side in (theirs, ours):
            try:
                side.do_handshake()
                done = side is ours
            except ssl.SSLWantReadError:
                pass
    assert done
    assert getattr(ours, "revproxy_sni") == (asked or "").lower()  # noqa: B009 - not declared on the type
    certificate = theirs.getpeercert()
    assert certificate is not None
    return {str(name) for _, name in certificate["subjectAltName"]}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("asked", "served"),
    [
        (None, "first.example"),
        ("unknown.example", "first.example"),
        ("second.example", "second.example"),
        ("SECOND.example", "second.example"),
        ("a.wild.example", "*.wild.example"),
        ("b.a.wild.example", "first.example"),
        ("named.example", "third.example"),
    ],
)
def test_the_certificate_follows_the_name(
    certificates: Issuer, asked: str | None, served: str, version: ssl.TLSVersion
) -> None:
    chosen = [
        Certificate(*certificates.issue(name)) for name in ("first.example", "second.example", "*.wild.example")
    ]
    chosen.append(Certificate(*certificates.issue("third.example"), names=("named.example",)))
    context = server_context(ListenerTls(tuple(chosen)))
    assert served in names_served(context, certificates.ca, asked, version)


def test_the_minimum_is_kept(certificates: Issuer) -> None:
    certificate = Certificate(*certificates.issue("first.example"))
    context = server_context(ListenerTls((certificate,), minimum="1.3"))
    with pytest.raises(ssl.SSLError):
        names_served(context, certificates.ca, None, ssl.TLSVersion.TLSv1_2)
    with pytest.raises(ConfigError):
        server_context(ListenerTls((certificate,), minimum="1.1"))


def test_names_are_read_from_the_certificate(certificates: Issuer) -> None:
    assert certificate_names(certificates.issue("A.example", "192.0.2.1")[0]) == ["a.example", "192.0.2.1"]


def test_faults_name_their_file(certificates: Issuer, tmp_path: Path) -> None:
    certificate, key = certificates.issue("first.example")
    other_key = certificates.issue("second.example")[1]
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for bad in (
        Certificate("/nonexistent.pem", key),
        Certificate(certificate, "/nonexistent.key"),
        Certificate(certificate, other_key),
        Certificate(str(empty), key),
    ):
        with pytest.raises(ConfigError) as caught:
            server_context(ListenerTls((bad,)))
        assert bad.certificate in str(caught.value)
    with pytest.raises(ConfigError):
        server_context(ListenerTls(()))
    with pytest.raises(ConfigError):
        certificate_names(str(empty))
