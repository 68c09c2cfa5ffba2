"""A `Dialer` that has the broker connect. TLS is spoken here, on the socket that came: the broker sees none of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from revproxy.config.settings import Upstream
from revproxy.errors import UpstreamError
from revproxy.net.dialer import Streams
from revproxy.net.egress.client import EgressClient
from revproxy.net.egress.targets import upstream_target
from revproxy.net.stream import Stream


class BrokerDialer(Streams):
    """Streams on sockets that the broker connected."""

    def __init__(self, upstreams: Iterable[Upstream], client: EgressClient) -> None:
        """Raises OSError or ssl.SSLError for a CA file that cannot be read."""
        super().__init__(upstreams)
        self._client = client

    async def dial(self, upstream: Upstream, timeout: float) -> Stream:
        """See `net.dialer.Dialer`."""
        clock = asyncio.get_running_loop().time
        end = clock() + timeout
        try:
            sock = await self._client.ask(upstream_target(upstream.name), timeout)
        except UpstreamError as error:
            raise UpstreamError(f"{upstream.name}: {error}") from None
        return await self.open(upstream, max(0.001, end - clock()), sock=sock)
