"""Names of the other end."""

import ssl
from unittest import mock

import pytest

from revproxy.net.peer import TlsInfo, socket_address, tls_info


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
