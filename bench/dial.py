"""What it costs to have the broker connect: a new connection to an internal server, direct and through it."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import uvloop

from bench.measure import share_of
from bench.peers import Peer, web_server
from revproxy.app.service import BROKER
from revproxy.config.settings import Address, Listener, ListenerKind, Settings, Upstream
from revproxy.net import Dialer, DirectDialer
from revproxy.net.egress import BrokerDialer, EgressClient, targets_of
from revproxy.runtime.egress import Egress, errand_of

_DIALS = 1000
_WARM = 50


def run(rounds: int) -> list[str]:
    """The table's lines."""
    with tempfile.TemporaryDirectory(prefix="revproxy-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        inside: Peer = web_server(folder / "inside")
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return _table(runner.run(_measure(inside.port, rounds)))
        finally:
            inside.stop()


async def _measure(port: int, rounds: int) -> dict[str, list[float]]:
    upstream = Upstream("web", Address("127.0.0.1", port))
    settings = Settings((Listener("web", ListenerKind.HTTP, Address("127.0.0.1", 0)),), (upstream,))
    targets = targets_of(settings)
    egress = Egress(errand_of(settings, "broker"), BROKER, lambda _: None)
    await egress.start()
    _, sock = egress.line()
    client = EgressClient(sock, (target.name for target in targets))
    client.start()
    dialers: dict[str, Dialer] = {
        "direct": DirectDialer(settings.upstreams),
        "through the broker": BrokerDialer(settings.upstreams, client),
    }
    times: dict[str, list[float]] = {name: [] for name in dialers}
    for _ in range(rounds):
        for name, dialer in dialers.items():
            await _dials(dialer, upstream, _WARM)
            times[name] += await _dials(dialer, upstream, _DIALS)
    client.close()
    await egress.close()
    return times


async def _dials(dialer: Dialer, upstream: Upstream, count: int) -> list[float]:
    """Seconds that each took, one after the other."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        stream = await dialer.dial(upstream, 5.0)
        times.append(time.perf_counter() - began)
        stream.abort()
        await asyncio.sleep(0)
    return times


def _table(times: dict[str, list[float]]) -> list[str]:
    direct = statistics.median(times["direct"])
    lines = ["\na new connection to an internal server, microseconds"]
    for name, mine in times.items():
        median = statistics.median(mine)
        more = f"{(median - direct) * 1e6:+8.0f}" if name != "direct" else ""
        lines.append(f"  {name:20s} {median * 1e6:8.0f} median {share_of(mine, 0.99) * 1e6:8.0f} p99 {more}")
    return lines
