"""The admin listener: /healthz, /readyz, /metrics, /status. Loopback by default, off the data path, read only.

It runs in the supervisor and lives through reloads; a reload that moves it opens the new address first. What it
shows comes from the `View` that the supervisor is.
"""

from __future__ import annotations

import socket
from typing import Any, Protocol

from aiohttp import web

from revproxy.audit.prometheus import render

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class View(Protocol):
    """What there is to see."""

    @property
    def ready(self) -> bool:
        """Whether every worker of the generation in force accepts."""

    async def status(self) -> dict[str, Any]:
        """Generations and workers, for people."""

    async def metrics(self) -> dict[str, Any]:
        """The merged snapshot of all workers."""


class Admin:
    """One aiohttp application on one socket at a time."""

    def __init__(self, view: View) -> None:
        self._view = view
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._health),
                web.get("/readyz", self._readiness),
                web.get("/metrics", self._metrics),
                web.get("/status", self._status),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        self._site: web.SockSite | None = None

    async def serve(self, sock: socket.socket | None) -> None:
        """Serve there from now on, and no longer where it did; None: nowhere. The socket stays the caller's."""
        if self._runner.server is None:
            await self._runner.setup()
        old, self._site = self._site, None
        if sock is not None:
            self._site = web.SockSite(self._runner, sock.dup(), backlog=16)
            await self._site.start()
        if old is not None:
            await old.stop()

    async def close(self) -> None:
        """Stop serving."""
        await self._runner.cleanup()

    async def _health(self, _request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _readiness(self, _request: web.Request) -> web.Response:
        if self._view.ready:
            return web.Response(text="ready\n")
        return web.Response(status=503, text="not ready\n")

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=render(await self._view.metrics()), headers={"Content-Type": _TEXT})

    async def _status(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._view.status())
