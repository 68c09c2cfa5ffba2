"""Two walls hold whoever has broken into a worker: the sandbox of his process, and the rules of the network. Each is
taken away in turn, and the other holds the line alone.

The burglar is the probe of `revproxy dmz verify`, on the front end's machine of the laboratory. In the sandbox it is
locked in as a worker, by the same functions. Without, it is a process of the workers' user, with rights that no
worker has: to send raw packets, and pings. Every other machine sees what comes to it on the wire, so that nothing
depends on what the burglar is told. With both walls gone all that he tries arrives: silence means something.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from arrangement import INSIDE, Arranged
from inside import WORKERS
from lab import Machine
from servers import REVPROXY
from wiretap import Wiretap

from revproxy.runtime.sandbox import lacking

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(lacking()), reason="; ".join(lacking())),
]

PORTS = (22, 25, 53, 443, 5432, 8080, 31337)
DATABASE = ("10.0.0.7", 5432)
RIGHTS = "+net_raw,+dac_read_search"
"""The second: what root installed may lie where nobody else can read it."""
SETTINGS = (
    "net.ipv4.ping_group_range=0 2147483647",
    "net.ipv4.tcp_fastopen=5",
    "net.ipv4.icmp_msgs_per_sec=1000000",
    "net.ipv4.icmp_msgs_burst=100000",
    "net.ipv4.icmp_ratelimit=0",
    "net.ipv6.icmp.ratelimit=0",
)
"""Whoever is there may ping, and send data in the first packet of TCP. No refusal is held back: he would wait."""
WITH_PORTS, WITHOUT = ("TCP", "TCP fast open", "UDP"), ("ICMP", "protocol 253")


class Came(NamedTuple):
    """What arrived somewhere, and where."""

    kind: str
    address: str
    port: int


DECLARED = {Came("TCP", *place) for place in INSIDE}


class Tried(NamedTuple):
    """What the burglar says, and what came of it on the wire."""

    code: int
    rows: dict[str, dict[str, Any]]
    came: set[Came]

    def connected(self) -> set[str]:
        """Places to which he had a TCP connection."""
        done = {name for name, row in self.rows.items() if row["outcome"] == "POSSIBLE" and not row["why"]}
        return {name.removeprefix("TCP to ") for name in done if name.startswith("TCP to ")}


@pytest.fixture
def front(arranged: Arranged) -> Iterator[Machine]:
    """The front end's machine."""
    machine = arranged.lab["front"]
    machine.command("sysctl", "-qw", *SETTINGS)
    yield machine
    arranged.load()


def strangers(arranged: Arranged) -> set[tuple[str, int]]:
    """Every machine but the front end, at all of its addresses, without what is declared."""
    return set(arranged.targets("front", PORTS)) - INSIDE


def everything(arranged: Arranged) -> set[Came]:
    """What arrives where nothing holds it."""
    places = strangers(arranged)
    alone = {(address, 0) for address, _ in places}
    return {Came(kind, *place) for kind in WITH_PORTS for place in places} | {
        Came(kind, *place) for kind in WITHOUT for place in alone
    }


def attempts(arranged: Arranged, front: Machine, config: Path, *who: str) -> Tried:
    """Have the burglar try everything."""
    others = [machine for machine in arranged.lab.machines.values() if machine is not front]
    words = [word for host, port in sorted(strangers(arranged)) for word in ("--to", place(host, port))]
    with ExitStack() as stack:
        taps = [(machine, stack.enter_context(closing(machine.here(Wiretap)))) for machine in others]
        done = front.command(*who, *REVPROXY, "dmz", "verify", "--json", "-c", str(config), *words, check=False)
        seen = [(one, machine) for machine, tap in taps for one in tap.seen()]
    assert done.stdout, done.stderr
    rows = {row["what"]: row for row in json.loads(done.stdout)["rows"]}
    assert len(rows) > 3 * len(strangers(arranged))
    came = {
        Came(one.kind, one.target, one.port)
        for one, machine in seen
        if one.source in every(front) and one.target in every(machine)
    }
    return Tried(done.returncode, rows, came)


def every(machine: Machine) -> set[str]:
    """Its addresses."""
    return {*machine.addresses(4), *machine.addresses(6)}


def place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def test_each_wall_alone_holds_the_line(arranged, front, folder):
    inside, outside = arranged.config, folder / "front/open.yaml"
    outside.write_text(yaml.safe_dump({**yaml.safe_load(inside.read_text()), "sandbox": False}))
    uid = f"{WORKERS}"
    plain = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", f"--inh-caps={RIGHTS}"]
    plain += [f"--ambient-caps={RIGHTS}"]

    # Both walls.
    locked_in(attempts(arranged, front, inside))
    # The rules alone.
    tried = attempts(arranged, front, outside, *plain)
    assert tried.came == set()
    assert tried.connected() == set()
    assert tried.rows["raw socket"]["outcome"] == "POSSIBLE"
    # The sandbox alone.
    arranged.lab.unload()
    locked_in(attempts(arranged, front, inside))
    # Neither.
    tried = attempts(arranged, front, outside, *plain)
    assert everything(arranged) - tried.came == set()
    assert place(*DATABASE).replace(":", " port ") in tried.connected()


def locked_in(tried: Tried) -> None:
    """Whoever is in a worker has what upstreams are for, and nothing else."""
    assert tried.code == 0
    possible = {name for name, row in tried.rows.items() if row["outcome"] in ("works", "POSSIBLE")}
    assert possible == {"upstream web", "upstream mail", "a file in the spool"}
    assert tried.came == DECLARED
