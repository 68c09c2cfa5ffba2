"""Who is at the other end: its address, and what the TLS handshake with it agreed on."""

from __future__ import annotations

import asyncio
import fcntl
import ssl
import struct
import termios
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


def unsent(transport: asyncio.Transport) -> int:
    """Bytes written that the peer has not acknowledged: in our buffer and in the kernel's (SIOCOUTQ, tcp(7)).

    Ours alone stands still for minutes before a slow but willing reader: the kernel takes more only once a good part
    of its own buffer, which may be megabytes, is free.
    """
    waiting = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    if sock is None:
        return waiting
    try:
        held = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return waiting
    return waiting + int(struct.unpack("i", held)[0])
