"""TLS on both sides: certificates by the name that a client asks for, STARTTLS, and an inside that is verified."""

from __future__ import annotations

import smtplib
import socket
import ssl

import pytest
import trustme
from servers import Front, Inside, Nginx, configuration, curl

pytestmark = pytest.mark.e2e


class Authority:
    """A CA, its file, and certificates of it in files."""

    def __init__(self, folder, name):
        self._folder, self._ca = folder, trustme.CA(organization_name=name)
        self.file = folder / f"{name}-ca.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def certificate(self, *names):
        made = self._ca.issue_cert(*names)
        stem = f"{self.file.stem}-{names[0].replace('*', 'star')}"
        certificate, key = self._folder / f"{stem}.crt", self._folder / f"{stem}.key"
        for blob in made.cert_chain_pems:
            blob.write_to_path(certificate, append=True)
        made.private_key_pem.write_to_path(key)
        return str(certificate), str(key)


def listed(pair):
    return {"certificate": pair[0], "key": pair[1]}


@pytest.fixture(scope="module")
def outer(folder):
    return Authority(folder, "outer")


@pytest.fixture(scope="module")
def inner(folder):
    return Authority(folder, "inner")


@pytest.fixture(scope="module")
def front(need, folder, started, outer, inner):
    need("nginx", "curl")
    nginx = Nginx(folder / "nginx", tls=inner.certificate("web.inside.example"))
    started.append(nginx)
    mail = Inside(folder, "mail")
    started.append(mail)
    address = f"127.0.0.1:{nginx.port}"
    certificates = [listed(outer.certificate(name)) for name in ("www.example", "*.shops.example")]
    mx = {"certificates": [listed(outer.certificate("mx.example"))]}
    settings = configuration(
        folder / "front",
        nginx.port,
        mail.ports["mail"],
        listeners=[
            {"name": "web", "kind": "http", "bind": "127.0.0.1:0", "tls": {"certificates": certificates}},
            {"name": "mail", "kind": "smtp", "bind": "127.0.0.1:0", "tls": mx},
            {"name": "mails", "kind": "smtp", "bind": "127.0.0.1:0", "tls": {**mx, "starttls": False}},
        ],
        upstreams={
            "right": {"address": address, "tls": {"ca": str(inner.file), "name": "web.inside.example"}},
            "wrong-ca": {"address": address, "tls": {"ca": str(outer.file), "name": "web.inside.example"}},
            "wrong-name": {"address": address, "tls": {"ca": str(inner.file), "name": "other.inside.example"}},
            "plain": f"127.0.0.1:{nginx.port}",
            "mail": f"127.0.0.1:{mail.ports['mail']}",
        },
        routes=[{"path": f"/{name}", "upstream": name} for name in ("right", "wrong-ca", "wrong-name", "plain")],
    )
    made = Front(folder / "front", settings)
    started.append(made)
    made.nginx = nginx
    return made


def https(front, outer, path, *options, host="www.example"):
    port = front.ports["web"]
    resolve = ("--resolve", f"{host}:{port}:127.0.0.1", "--cacert", str(outer.file))
    return curl(f"https://{host}:{port}{path}", *resolve, *options)


def names_shown(port, outer, server_name):
    """The names in the certificate that a client that asks for `server_name` is shown."""
    context = ssl.create_default_context(cafile=str(outer.file))
    context.check_hostname = False
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        context.wrap_socket(raw, server_hostname=server_name) as tls,
    ):
        return [value for _, value in tls.getpeercert()["subjectAltName"]]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("www.example", ["www.example"]),
        ("garden.shops.example", ["*.shops.example"]),
        ("nobody.example", ["www.example"]),
        (None, ["www.example"]),
    ],
)
def test_the_certificate_is_chosen_by_name(front, outer, asked, shown):
    assert names_shown(front.ports["web"], outer, asked) == shown


def test_through_tls_on_both_sides(front, outer):
    assert https(front, outer, "/right/page") == (200, "<p>a page of the real web server</p>")
    assert https(front, outer, "/right/page", host="garden.shops.example")[0] == 200
    assert https(front, outer, "/right/?q=1%27%20UNION%20SELECT%20a%20FROM%20b--")[0] == 403


@pytest.mark.parametrize("upstream", ["wrong-ca", "wrong-name"])
def test_an_inside_that_cannot_be_verified_is_not_talked_to(front, outer, upstream):
    status, body = https(front, outer, f"/{upstream}/page")
    assert status == 502
    assert "inside" not in body
    assert not [line for line in front.nginx.seen() if upstream in line]


def test_an_old_client_is_refused(front, outer):
    status, said = https(front, outer, "/right/page", "--tls-max", "1.1")
    assert status == 0
    assert said


def test_plain_http_on_a_tls_listener_reaches_nothing(front):
    status, _ = curl(f"http://127.0.0.1:{front.ports['web']}/right/plain-text")
    assert status == 0
    assert not [line for line in front.nginx.seen() if "plain-text" in line]


def context_for(outer):
    return ssl.create_default_context(cafile=str(outer.file))


def send(session):
    session.mail("ada@out.example")
    assert session.rcpt("user@one.example")[0] == 250
    return session.data(b"Subject: hello\r\n\r\nhello\r\n")[0]


def test_starttls(front, outer):
    with smtplib.SMTP("127.0.0.1", front.ports["mail"], "client.example", timeout=20) as session:
        session.ehlo()
        assert session.has_extn("starttls")
        session._host = "mx.example"  # the name that the certificate is checked against
        assert session.starttls(context=context_for(outer))[0] == 220
        session.ehlo()
        assert not session.has_extn("starttls")
        assert send(session) == 250


def test_tls_from_the_first_byte(front, outer):
    context = context_for(outer)
    with (
        socket.create_connection(("127.0.0.1", front.ports["mails"]), timeout=20) as raw,
        context.wrap_socket(raw, server_hostname="mx.example") as tls,
    ):
        assert tls.recv(4096).startswith(b"220 ")
        tls.sendall(b"QUIT\r\n")
        assert tls.recv(4096).startswith(b"221 ")
