from __future__ import annotations

import aiohttp
import pytest

from revproxy.audit.metrics import Metrics
from revproxy.config.settings import Address
from revproxy.runtime.admin import Admin
from revproxy.runtime.sockets import bind, bound


class _View:
    ready = True

    async def status(self) -> dict:
        return {"state": "running"}

    async def metrics(self) -> dict:
        metrics = Metrics()
        metrics.count("revproxy_messages_total", ("allow",), 3)
        return metrics.snapshot()


@pytest.fixture
async def admin():
    view = _View()
    admin = Admin(view)
    yield admin, view
    await admin.close()


async def _get(sock, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{bound(sock)}{path}") as answer:
        return answer.status, await answer.text()


async def test_the_pages(admin):
    admin, view = admin
    with bind(Address("127.0.0.1", 0)) as sock:
        await admin.serve(sock)
        assert await _get(sock, "/healthz") == (200, "alive\n")
        assert await _get(sock, "/readyz") == (200, "ready\n")
        view.ready = False
        assert await _get(sock, "/readyz") == (503, "not ready\n")
        assert await _get(sock, "/status") == (200, '{"state": "running"}')
        status, text = await _get(sock, "/metrics")
        assert status == 200
        assert 'revproxy_messages_total{verdict="allow"} 3.0' in text
        assert (await _get(sock, "/"))[0] == 404


async def test_it_moves_and_leaves_the_callers_socket_alone(admin):
    admin, _ = admin
    with bind(Address("127.0.0.1", 0)) as one, bind(Address("127.0.0.1", 0)) as two:
        await admin.serve(one)
        await admin.serve(two)
        assert (await _get(two, "/healthz"))[0] == 200
        assert one.fileno() >= 0
        await admin.serve(None)
        await admin.serve(one)
        assert (await _get(one, "/healthz"))[0] == 200
