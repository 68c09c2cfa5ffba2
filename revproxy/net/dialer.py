"""Opening connections to declared upstreams: the one place where this program reaches inwards.

Everything that connects takes a `Dialer`: one that connects itself, or one that has a broker do it
(`egress.dialer`). TLS towards the inside is always verified: chain, name and SNI; there is no switch for it.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Protocol

from revproxy.config.settings import Upstream, UpstreamTls
from revproxy.errors import PeerTimeout, UpstreamError
from revproxy.net.peer import tls_info
from revproxy.net.stream import Stream

_HASHED = re.compile(r"[0-9a-f]{8}[.][0-9]+")


class Dialer(Protocol):
    """Opens connections to declared upstreams only."""

    async def dial(self, upstream: Upstream, timeout: float) -> Stream:
        """A connected stream, TLS handshake done. Raises UpstreamError or PeerTimeout (after `timeout` seconds)."""

    def context(self, upstream: Upstream) -> ssl.SSLContext | None:
        """Its TLS context, for a later `starttls`; None for an upstream without TLS."""


class Streams:
    """What all dialers do alike: streams from transports, with TLS contexts that are built once, here: a missing CA
    file fails before any traffic."""

    def __init__(self, upstreams: Iterable[Upstream]) -> None:
        """Raises OSError or ssl.SSLError for a CA file that cannot be read."""
        self._contexts = {u.name: client_context(u.tls) for u in upstreams if u.tls is not None}

    def context(self, upstream: Upstream) -> ssl.SSLContext | None:
        """See Dialer."""
        return self._contexts.get(upstream.name)

    async def open(self, upstream: Upstream, timeout: float, **where: Any) -> Stream:
        """A stream by `loop.create_connection(**where)`. Raises UpstreamError, PeerTimeout."""
        loop = asyncio.get_running_loop()
        context = self._contexts[upstream.name] if upstream.tls is not None else None
        name = server_name(upstream) if context is not None else None
        try:
            async with asyncio.timeout(timeout):
                _, stream = await loop.create_connection(
                    lambda: Stream(loop),
                    **where,
                    ssl=context,
                    server_hostname=name,
                    ssl_handshake_timeout=timeout if context is not None else None,
                )
        except TimeoutError:
            raise PeerTimeout(f"{upstream.name}: no connection within {timeout} s") from None
        except ssl.SSLError as error:
            raise UpstreamError(f"{upstream.name}: TLS: {error}") from None
        except OSError as error:
            raise UpstreamError(f"{upstream.name}: {error}") from None
        return stream


class DirectDialer(Streams):
    """Connects from this process."""

    async def dial(self, upstream: Upstream, timeout: float) -> Stream:
        """See Dialer."""
        return await self.open(upstream, timeout, host=upstream.address.host, port=upstream.address.port)


def client_context(tls: UpstreamTls) -> ssl.SSLContext:
    """TLS 1.2 or later, the chain verified against `ca` (or the system's), the name checked."""
    context = ssl.create_default_context(cafile=tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.ca is None:
        _read_system_authorities(context)
    return context


def _read_system_authorities(context: ssl.SSLContext) -> None:
    """OpenSSL would open files of the system's folder while it verifies, on the loop, and where it no longer may."""
    folder = ssl.get_default_verify_paths().capath
    for name in sorted(os.listdir(folder)) if folder else ():
        # What it would look for: the hash of a subject.
        if _HASHED.fullmatch(name):
            with suppress(OSError):
                context.load_verify_locations(os.path.join(str(folder), name))


def server_name(upstream: Upstream) -> str:
    """The name that the upstream's certificate must carry, sent as SNI too."""
    return (upstream.tls.name if upstream.tls is not None else None) or upstream.address.host


async def starttls(stream: Stream, context: ssl.SSLContext, name: str | None, timeout: float) -> None:
    """Upgrade a connected stream in place: as a client with the `name` to verify, as a server with None.

    Raises UpstreamError for a failed handshake, PeerTimeout, and UpstreamError too when bytes were read ahead of the
    handshake: what was sent in the clear must not pass for what came protected.
    """
    if stream.buffered:
        raise UpstreamError("bytes ahead of the TLS handshake")
    loop = asyncio.get_running_loop()
    try:
        transport = await loop.start_tls(
            stream.transport,
            stream,
            context,
            server_side=name is None,
            server_hostname=name,
            ssl_handshake_timeout=timeout,
        )
    except TimeoutError:
        raise PeerTimeout("no TLS handshake in time") from None
    except (ssl.SSLError, OSError) as error:
        raise UpstreamError(f"TLS: {error}") from None
    if transport is None:
        raise UpstreamError("closed within the TLS handshake")
    stream.secured(transport, tls_info(transport.get_extra_info("ssl_object")))
