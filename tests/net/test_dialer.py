"""Reaching inwards: TLS is verified, failures have one shape, STARTTLS takes nothing from before the handshake."""

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from revproxy.config.settings import Address, Certificate, ListenerTls, Upstream, UpstreamTls
from revproxy.errors import PeerTimeout, UpstreamError
from revproxy.net.dialer import DirectDialer, server_name, starttls
from revproxy.net.stream import Stream
from revproxy.net.tls import server_context


class Issuer:
    """What `certificates` of conftest gives."""

    ca: str

    def issue(self, *names: str) -> tuple[str, str]: ...


@asynccontextmanager
async def inside(context: ssl.SSLContext | None) -> AsyncIterator[tuple[Address, "asyncio.Queue[Stream]"]]:
    """An internal server that says nothing: its address, and its ends as they come."""
    loop = asyncio.get_running_loop()
    made: asyncio.Queue[Stream] = asyncio.Queue()
    streams: list[Stream] = []

    def factory() -> Stream:
        streams.append(Stream(loop, made.put_nowait))
        return streams[-1]

    server = await loop.create_server(factory, "127.0.0.1", 0, ssl=context)
    yield Address(*server.sockets[0].getsockname()), made
    server.close()
    for stream in streams:
        stream.abort()
    await asyncio.sleep(0.01)


def context_of(certificates: Issuer, *names: str) -> ssl.SSLContext:
    return server_context(ListenerTls((Certificate(*certificates.issue(*names)),)))


async def test_a_verified_connection(certificates: Issuer) -> None:
    async with inside(context_of(certificates, "web.internal")) as (address, made):
        upstream = Upstream("web", address, UpstreamTls(certificates.ca, "web.internal"))
        stream = await DirectDialer([upstream]).dial(upstream, 5)
        stream.write(b"hello")
        theirs = await made.get()
        assert await theirs.read_some(5) == b"hello"
        assert theirs.tls is not None
        assert theirs.tls.sni == "web.internal"
        assert stream.tls is not None
        assert stream.tls.version in ("TLSv1.2", "TLSv1.3")
        stream.abort()


@pytest.mark.parametrize("fault", ["name", "authority", "plain"])
async def test_what_cannot_be_verified_is_refused(certificates: Issuer, fault: str) -> None:
    context = context_of(certificates, "web.internal") if fault != "plain" else None
    async with inside(context) as (address, _):
        ca = None if fault == "authority" else certificates.ca
        name = "other.internal" if fault == "name" else "web.internal"
        upstream = Upstream("web", address, UpstreamTls(ca, name))
        with pytest.raises((UpstreamError, PeerTimeout)):
            await DirectDialer([upstream]).dial(upstream, 0.5)


async def test_refused_and_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = Upstream("web", Address(*closed.getsockname()))
    with pytest.raises(UpstreamError):
        await DirectDialer([nobody]).dial(nobody, 5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = Upstream("web", Address(*silent.getsockname()), UpstreamTls())
        with pytest.raises(PeerTimeout):
            await DirectDialer([mute]).dial(mute, 0.2)


def test_a_missing_authority_fails_at_once() -> None:
    with pytest.raises(OSError):
        DirectDialer([Upstream("web", Address("a", 1), UpstreamTls("/nonexistent.pem"))])


def test_the_name_is_the_configured_one_or_the_host() -> None:
    assert server_name(Upstream("w", Address("10.0.0.1", 1), UpstreamTls(name="a"))) == "a"
    assert server_name(Upstream("w", Address("10.0.0.1", 1), UpstreamTls())) == "10.0.0.1"


async def test_starttls(certificates: Issuer) -> None:
    async with inside(None) as (address, made):
        upstream = Upstream("mail", address, UpstreamTls(certificates.ca, "mail.internal"))
        plain = await DirectDialer([]).dial(Upstream("mail", address), 5)
        plain.write(b"STARTTLS\r\n")
        theirs = await made.get()
        assert await theirs.read_some(5) == b"STARTTLS\r\n"
        context = DirectDialer([upstream]).context(upstream)
        assert context is not None
        await asyncio.gather(
            starttls(theirs, context_of(certificates, "mail.internal"), None, 5),
            starttls(plain, context, "mail.internal", 5),
        )
        plain.write(b"EHLO\r\n")
        assert await theirs.read_some(5) == b"EHLO\r\n"
        assert theirs.tls is not None
        assert theirs.tls.sni == "mail.internal"
        plain.abort()


async def test_bytes_ahead_of_the_handshake_are_refused(certificates: Issuer) -> None:
    stream = Stream(asyncio.get_running_loop())
    stream.data_received(b"250 injected\r\n")
    with pytest.raises(UpstreamError):
        await starttls(stream, ssl.create_default_context(cafile=certificates.ca), "a", 1)


@pytest.fixture
def authorities(certificates: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the system's authorities, in which is ours."""
    text = Path(certificates.ca).read_bytes()
    for name in ("0123abcd.0", "ffffffff.1", "README"):
        (tmp_path / name).write_bytes(text if name[0] == "0" else b"nothing")
    paths = ssl.get_default_verify_paths()._replace(capath=str(tmp_path))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    return tmp_path


async def test_the_systems_authorities_are_read_at_once(certificates: Issuer, authorities: Path) -> None:
    """OpenSSL itself would look into the folder while it verifies: by then it is gone."""
    async with inside(context_of(certificates, "web.internal")) as (address, made):
        upstream = Upstream("web", address, UpstreamTls(None, "web.internal"))
        dialer = DirectDialer([upstream])
        shutil.rmtree(authorities)
        stream = await dialer.dial(upstream, 5)
        await made.get()
        stream.abort()
