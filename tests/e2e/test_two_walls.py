"""Two walls hold whoever has broken into a worker: the sandbox of his process, and the rules of the network. Each is
taken away in turn, and the other holds the line alone.

The burglar is the probe of `revproxy dmz verify`, on the front end's machine of the laboratory. In the sandbox it is
locked in as a worker, by the same functions. Without, it is a process of the workers' user, with rights that no
worker has: to send raw packets, and pings. Every other machine sees what comes to it on the wire, so that nothing
depends on what the burglar is told. With both walls gone all that he tries arrives: silence means something.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from arrangement import DNS, FEED, INSIDE, Arranged
from inside import BROKER, WORKERS, configuration
from lab import Machine
from servers import REVPROXY, Process, until
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


Row = dict[str, Any]
BURGLED = Path(__file__).with_name("burgled.py")
SAID = re.compile("^burglar: (.*)$", re.MULTILINE)


class Came(NamedTuple):
    """What arrived somewhere, and where."""

    kind: str
    address: str
    port: int


DECLARED = {Came("TCP", *place) for place in INSIDE}


class Tried(NamedTuple):
    """What the burglar says, and what came of it on the wire."""

    code: int
    rows: dict[str, Row]
    came: set[Came]

    def connected(self) -> set[str]:
        """Places to which he had a TCP connection."""
        done = {name for name, row in self.rows.items() if row["outcome"] == "POSSIBLE" and not row["why"]}
        return {name.removeprefix("TCP to ") for name in done if name.startswith("TCP to ")}


@pytest.fixture
def front(arranged: Arranged) -> Iterator[Machine]:
    """The front end's machine."""
    machine = arranged.lab["front"]
    machine.command("sysctl", "-eqw", *SETTINGS)
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


@contextmanager
def tapped(arranged: Arranged, front: Machine) -> Iterator[set[Came]]:
    """What comes to other machines from the front end's meanwhile; it stands there at the end."""
    others = [machine for machine in arranged.lab.machines.values() if machine is not front]
    came: set[Came] = set()
    with ExitStack() as stack:
        taps = [(machine, stack.enter_context(closing(machine.here(Wiretap)))) for machine in others]
        yield came
        seen = [(one, machine) for machine, tap in taps for one in tap.seen()]
    here = [one for one, machine in seen if one.source in every(front) and one.target in every(machine)]
    came.update(Came(one.kind, one.target, one.port) for one in here)


def attempts(arranged: Arranged, front: Machine, config: Path, *who: str) -> Tried:
    """Have the burglar try everything."""
    words = [word for host, port in sorted(strangers(arranged)) for word in ("--to", place(host, port))]
    with tapped(arranged, front) as came:
        done = front.command(*who, *REVPROXY, "dmz", "verify", "--json", "-c", str(config), *words, check=False)
    assert done.stdout, done.stderr
    return Tried(done.returncode, rows_of(arranged, json.loads(done.stdout)["rows"]), came)


def rows_of(arranged: Arranged, told: list[Row]) -> dict[str, Row]:
    """By what was tried: all of it was."""
    rows = {row["what"]: row for row in told}
    assert len(rows) > 3 * len(strangers(arranged))
    return rows


def every(machine: Machine) -> set[str]:
    """Its addresses."""
    return {*machine.addresses(4), *machine.addresses(6)}


def plain(user: int) -> list[str]:
    """A process of that user begins with this: nothing of it is locked in."""
    who = [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    return ["setpriv", *who, f"--inh-caps={RIGHTS}", f"--ambient-caps={RIGHTS}"]


def place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def test_each_wall_alone_holds_the_line(arranged, front, folder):
    inside, outside = arranged.config, folder / "front/open.yaml"
    changes = {"sandbox": False, "spool": f"{folder}/nowhere"}
    outside.write_text(yaml.safe_dump({**yaml.safe_load(inside.read_text()), **changes}))

    # Both walls.
    locked_in(attempts(arranged, front, inside))
    # The rules alone: workers begin nothing, the broker what is declared.
    tried = attempts(arranged, front, outside, *plain(WORKERS))
    assert tried.came == set()
    assert tried.connected() == set()
    assert tried.rows["raw socket"]["outcome"] == "POSSIBLE"
    tried = attempts(arranged, front, outside, *plain(BROKER))
    assert tried.came >= DECLARED
    assert {(one.address, one.port) for one in tried.came} == {*INSIDE, FEED, DNS}
    # The sandbox alone.
    arranged.lab.unload()
    locked_in(attempts(arranged, front, inside))
    # Neither.
    tried = attempts(arranged, front, outside, *plain(WORKERS))
    assert everything(arranged) - tried.came == set()
    assert place(*DATABASE).replace(":", " port ") in tried.connected()


def test_code_in_a_worker_that_serves_has_upstreams_and_nothing_else(arranged, front, folder):
    """The attempts are made in the worker's own process, with what a worker has. No rules are in force."""
    arranged.lab.unload()
    home = folder / f"burgled-{arranged.layout}"
    home.mkdir(mode=0o755)
    listeners = [{"name": "web", "kind": "http", "bind": "192.0.2.10:8081"}]
    file = home / "revproxy.yaml"
    file.write_text(yaml.safe_dump({**configuration(home), "listeners": listeners, "admin": "off"}))
    told = {"strangers": sorted(strangers(arranged)), "private": ["/etc/shadow", "/proc/1/environ", str(file)]}
    command = [*front.inside, sys.executable, str(BURGLED), "run", str(file)]
    with tapped(arranged, front) as came:
        started = Process(command, home / "stderr", env={**os.environ, "BURGLAR": json.dumps(told)})
        try:
            started.line_with("ready: ")
            said = until(lambda: SAID.search(started.errors.read_text()), "words of the burglar")
            answer = arranged.lab["internet"].command("curl", "-s", "http://192.0.2.10:8081/").stdout
        finally:
            started.stop()
    assert answer == "<p>a page of the internal web server</p>"
    only_upstreams(rows_of(arranged, json.loads(said[1])), came)


def locked_in(tried: Tried) -> None:
    """The probe says so, and all that came is what was declared."""
    assert tried.code == 0
    only_upstreams(tried.rows, tried.came)


def only_upstreams(rows: dict[str, Row], came: set[Came]) -> None:
    """Whoever is in a worker has what upstreams are for, and nothing else."""
    possible = {name for name, row in rows.items() if row["outcome"] in ("works", "POSSIBLE")}
    assert possible == {"upstream web", "upstream mail", "a file in the spool"}
    assert came == DECLARED
