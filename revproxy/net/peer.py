"""Who is at the other end: its address, and what the TLS handshake with it agreed on."""

from __future__ import annotations

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsInfo:
    """What the handshake agreed on; empty where the peer said nothing."""

    sni: str
    alpn: str
    version: str
    cipher: str


def tls_info(secured: ssl.SSLObject) -> TlsInfo:
    """Read off a finished handshake; the SNI is what `tls.server_context` left on the object."""
    cipher = secured.cipher()
    return TlsInfo(
        sni=getattr(secured, "revproxy_sni", "") or "",
        alpn=secured.selected_alpn_protocol() or "",
        version=secured.version() or "",
        cipher=cipher[0] if cipher else "",
    )


def socket_address(name: object) -> tuple[str, int]:
    """(host, port) of a socket's name; empty for sockets without (Unix)."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) and len(name) >= 2 else ("", 0)
