"""Loopback sockets, certificates, and both event loops."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import trustme
import uvloop

from revproxy.net.stream import Stream


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every asynchronous test of this room runs on both loops: their transports differ where it matters."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
async def pair(listening: socket.socket) -> AsyncIterator[tuple[Stream, Stream]]:
    """Two ends of one loopback connection: ours and the peer's."""
    loop = asyncio.get_running_loop()
    theirs: asyncio.Future[Stream] = loop.create_future()
    server = await loop.create_server(lambda: Stream(loop, theirs.set_result, 0.3), sock=listening)
    _, ours = await loop.create_connection(lambda: Stream(loop, stall=0.3), *listening.getsockname())
    yield ours, await theirs
    ours.abort()
    theirs.result().abort()
    server.close()
    await asyncio.sleep(0)


class Certificates:
    """A throw-away authority and the files of its certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = str(folder / "ca.pem")
        self.authority.cert_pem.write_to_path(self.ca)

    def issue(self, *names: str) -> tuple[str, str]:
        """(certificate file, key file)."""
        issued = self.authority.issue_cert(*names)
        base = self.folder / names[0].replace("*", "any")
        certificate, key = f"{base}.pem", f"{base}.key"
        issued.private_key_pem.write_to_path(key)
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(certificate, append=number > 0)
        return certificate, key


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))
