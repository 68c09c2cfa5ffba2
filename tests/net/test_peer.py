"""The other end: its name, its handshake, what it has not taken."""

import asyncio
import socket
import ssl
from unittest import mock

import pytest

from revproxy.net.peer import TlsInfo, socket_address, tls_info, unsent


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (("192.0.2.1", 80), ("192.0.2.1", 80)),
        (("2001:db8::1", 80, 0, 0), ("2001:db8::1", 80)),
        ("/run/socket", ("", 0)),
        (None, ("", 0)),
    ],
)
def test_addresses(name: object, expected: tuple[str, int]) -> None:
    assert socket_address(name) == expected


def test_a_handshake_without_name_or_protocol() -> None:
    secured = mock.Mock(spec=ssl.SSLObject)
    secured.selected_alpn_protocol.return_value = None
    secured.version.return_value = "TLSv1.3"
    secured.cipher.return_value = ("TLS_AES_128_GCM_SHA256", "TLSv1.3", 128)
    assert tls_info(secured) == TlsInfo("", "", "TLSv1.3", "TLS_AES_128_GCM_SHA256")


async def test_what_the_kernel_holds_counts_as_unsent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(asyncio.Protocol, *listening.getsockname())
        theirs, _ = listening.accept()
        transport.write(b"x" * 50_000_000)
        await asyncio.sleep(0)
        assert unsent(transport) > transport.get_write_buffer_size() > 0
        transport.abort()
        theirs.close()


def test_no_socket_no_kernel() -> None:
    transport = mock.Mock()
    transport.get_extra_info.return_value = None
    transport.get_write_buffer_size.return_value = 7
    assert unsent(transport) == 7
