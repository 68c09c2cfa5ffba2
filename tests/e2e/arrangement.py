"""The laboratory with its rules, as tests ask for it: what the configuration declares, and what can be reached."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import scanner
from lab import UDP, Lab
from servers import REVPROXY

FULL = os.environ.get("REVPROXY_FULL") == "1"
USUAL = (22, 25, 53, 80, 110, 111, 143, 443, 993, 3306, 5432, 6379, 8080, 9000, 9180, 31337)
PORTS = range(1, 65536) if FULL else tuple({*range(1, 1025), *USUAL})
ROLES = {"dual": {"outer": "outer", "inner": "inner"}, "three-legged": {"outer": "outer"}}
"""Which rules are for which firewall."""
FEED = ("203.0.113.66", 443)
WEB, WEB6, MX = ("192.0.2.10", 80), ("2001:db8:d::10", 80), ("192.0.2.10", 25)
INSIDE = {("10.0.0.5", 8080), ("10.0.0.6", 25)}
"""Internal servers that the configuration declares."""
DNS = ("10.0.0.7", 53)


@dataclasses.dataclass
class Arranged:
    """The laboratory with the firewalls of a layout and all rules in force."""

    lab: Lab
    layout: str
    config: Path
    without_rules: dict[str, tuple[set[scanner.Target], set[scanner.Target]]]
    rules: dict[str, str]

    def load(self, *machines: str) -> None:
        """Rules on these machines, and none on others."""
        self.lab.unload()
        for name in machines or tuple(self.rules):
            self.lab.load(name, self.rules[name])

    def targets(self, source: str, ports: range | tuple[int, ...]) -> Iterator[scanner.Target]:
        """Every port of every address of every other machine."""
        for machine in self.lab.machines.values():
            for version in (4, 6):
                if machine.name != source:
                    yield from ((address, port) for address in machine.addresses(version) for port in ports)

    def scan(
        self, source: str, ports: range | tuple[int, ...] = PORTS, user: int = 0
    ) -> tuple[set[scanner.Target], set[scanner.Target]]:
        """What a machine finds: ports that take connections, and ports that say they are closed."""
        return self.lab[source].as_user(user, scanner.tcp, self.targets(source, ports))

    def heard(self, source: str, address: str = "", user: int = 0) -> set[tuple[str, int]]:
        """Machines, and their UDP ports, that datagrams of a machine come to; `address` is what it calls itself."""
        for machine in self.lab.machines.values():
            machine.heard()
        targets = [target for target in self.targets(source, UDP) if not (address and ":" in target[0])]
        self.lab[source].as_user(user, scanner.udp, targets, address)
        return {(m.name, port) for m in self.lab.machines.values() if m.name != source for port in m.heard()}


def printed(role: str, layout: str, config: Path) -> str:
    """As an administrator gets them."""
    command = [*REVPROXY, "firewall", "--for", role, "--layout", layout, "-c", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
