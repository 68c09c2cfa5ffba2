"""The classic picture, made of network namespaces: the Internet, firewalls, the DMZ, the inside.

    internet --(ext)-- outer --(dmz)-- inner --(int)-- web, mail, users, lan, admin         layout dual
                               |
                             front, beside

    internet --(ext)-- outer --(dmz)-- front, beside                                        layout three-legged
                         +-----(int)-- web, mail, users, lan, admin

`outer` has in the second the addresses that `inner` has in the first, so that no other machine notices which it is.
Three bridges in a namespace of their own are the wires. Every machine has doors for a scanner to find: TCP and UDP
ports that nobody declared. Names begin with this process's id; what is made here is gone after `close`, and nobody
else's namespace, rule or process is touched. Needs root.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from servers import PATH

P = ParamSpec("P")
R = TypeVar("R")
_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
WIRES = {"ext": ("203.0.113.{}/24", "2001:db8:e::{}/64"), "dmz": ("192.0.2.{}/28", "2001:db8:d::{}/64"),
         "int": ("10.0.0.{}/24", "fd00:10::{}/64")}  # fmt: skip
HOSTS = {
    "internet": ("ext", 66),
    "front": ("dmz", 10),
    "beside": ("dmz", 11),
    "web": ("int", 5),
    "mail": ("int", 6),
    "users": ("int", 7),
    "lan": ("int", 20),
    "admin": ("int", 200),
}
"""Which wire a machine is on, and its number there."""
FIREWALLS = {
    "dual": {"outer": {"ext": [1], "dmz": [1]}, "inner": {"dmz": [2], "int": [1]}},
    "three-legged": {"outer": {"ext": [1], "dmz": [1, 2], "int": [1]}},
}
"""Their legs, by layout."""
ROUTES = {
    "ext": [("default", "ext", 1)],
    "dmz": [("default", "dmz", 1), ("int", "dmz", 2)],
    "int": [("default", "int", 1)],
    "dual outer": [("int", "dmz", 2)],
    "dual inner": [("default", "dmz", 1)],
    "three-legged outer": [],
}
"""Of the machines on a wire, and of firewalls: which networks are reached by which machine."""
DOORS = (22, 111, 31337)
"""TCP ports that are open on every machine though nobody declared them; 22 is what administrators are let to."""
UDP = (53, 69, 123, 137, 161, 500, 514, 1900, 4500, 5353, 11211)
"""UDP ports that are looked at; every machine listens on them."""


def lacking() -> list[str]:
    """What this machine has not got of all that a laboratory needs."""
    programs = [one for one in ("ip", "nft", "nsenter", "sysctl") if shutil.which(one, path=PATH) is None]
    if os.geteuid() != 0 or programs:
        return programs + (["root"] if os.geteuid() != 0 else [])
    name = f"rp{os.getpid()}-try"
    tried = ["netns", "add", name], ["-n", name, "link", "add", "name", "wire", "type", "bridge"]
    worked = all(_ip(words).returncode == 0 for words in tried)
    _ip(["netns", "delete", name])
    return [] if worked else ["network namespaces with bridges"]


def _ip(words: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    command = [shutil.which("ip", path=PATH) or "ip", *words]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=30, check=False)


def network(wire: str, version: int) -> str:
    """What a route goes to: the network of a wire, or `default`."""
    return wire if wire == "default" else str(ipaddress.ip_interface(WIRES[wire][version == 6].format(1)).network)


def address(wire: str, number: int, version: int = 4) -> str:
    """A machine's address on a wire, without its prefix length."""
    return WIRES[wire][version == 6].format(number).partition("/")[0]


def _listen(port: int) -> socket.socket:
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)


def _hear(port: int) -> socket.socket:
    ear = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    ear.bind(("::", port))
    return ear


@dataclass
class Machine:
    """A namespace with its addresses."""

    name: str
    space: str
    legs: dict[str, list[int]]
    doors: list[socket.socket] = field(default_factory=list)
    ears: dict[int, socket.socket] = field(default_factory=dict)

    @property
    def inside(self) -> list[str]:
        """What a command begins with that runs here."""
        return [shutil.which("nsenter", path=PATH) or "nsenter", f"--net=/run/netns/{self.space}"]

    def addresses(self, version: int = 4) -> list[str]:
        return [address(wire, number, version) for wire, numbers in self.legs.items() for number in numbers]

    def command(self, *words: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program here to its end."""
        done = subprocess.run(
            [*self.inside, *words], input=text, capture_output=True, text=True, timeout=60, check=False,
            stdin=None if text is not None else subprocess.DEVNULL, env={**os.environ, "PATH": PATH},
        )  # fmt: skip
        assert done.returncode == 0 or not check, (words, done.stdout, done.stderr)
        return done

    def here(self, work: Callable[P, R], *args: P.args, **more: P.kwargs) -> R:
        """Call something in a thread that is on this machine's network: the sockets that it makes stay there."""
        return self.as_user(0, work, *args, **more)

    def as_user(self, user: int, work: Callable[P, R], *args: P.args, **more: P.kwargs) -> R:
        """The same; the sockets are that user's."""

        def run() -> R:
            with open(f"/run/netns/{self.space}") as space:
                if _LIBC.setns(space.fileno(), _NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            # Of this thread alone; what rules call the user of a socket.
            _LIBC.setfsuid(user)
            return work(*args, **more)

        # The thread ends with its pool: no other work gets one that is on this network.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run).result()

    def open_door(self, port: int) -> None:
        """Listen by TCP on all addresses."""
        self.doors.append(self.here(_listen, port))

    def open_doors(self) -> None:
        """Listen where nobody declared it, and keep what arrives by UDP."""
        for port in DOORS:
            self.open_door(port)
        for port in UDP:
            self.ears[port] = self.here(_hear, port)

    def heard(self) -> list[int]:
        """UDP ports at which something arrived since the last look."""
        found = []
        for port, ear in self.ears.items():
            try:
                while ear.recv(100):
                    found.append(port)
            except BlockingIOError:
                pass
        return sorted(set(found))


class Lab:
    """All machines; firewalls come and go with `arrange`."""

    def __init__(self) -> None:
        self.prefix = f"rp{os.getpid()}-"
        self.machines: dict[str, Machine] = {}
        self.firewalls: list[str] = []
        self._made: list[str] = []
        try:
            self._wires()
            for name, (wire, number) in HOSTS.items():
                self._machine(name, {wire: [number]})
                self._route(self.machines[name], ROUTES[wire])
                self.machines[name].open_doors()
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    def _space(self, name: str) -> str:
        done = _ip(["netns", "add", self.prefix + name])
        assert done.returncode == 0, done.stderr
        self._made.append(self.prefix + name)
        return self.prefix + name

    def _batch(self, space: str, lines: Iterable[str], *options: str) -> None:
        done = _ip(["-n", space, *options, "-batch", "-"], "\n".join(lines) + "\n")
        assert done.returncode == 0, done.stderr

    def _wires(self) -> None:
        self._wire = self._space("wires")
        self._batch(self._wire, [line for w in WIRES for line in (f"link add {w} type bridge", f"link set {w} up")])

    def _machine(self, name: str, legs: dict[str, list[int]]) -> Machine:
        """A namespace with a cable to each of its wires; the interface has the wire's name."""
        machine = self.machines[name] = Machine(name, self._space(name), legs)
        lines = ["link set lo up"]
        # No duplicate address detection: its second of waiting is of no use here.
        machine.command("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0")
        for wire, numbers in legs.items():
            lines.append(f"link add {wire} type veth peer name {name}-{wire} netns {self._wire}")
            lines += [f"address add {form.format(n)} dev {wire}" for n in numbers for form in WIRES[wire]]
            lines.append(f"link set {wire} up")
        self._batch(machine.space, lines)
        ends = [f"link set {name}-{wire} master {wire} up" for wire in legs]
        self._batch(self._wire, ends)
        return machine

    def _route(self, machine: Machine, routes: list[tuple[str, str, int]]) -> None:
        for version in (4, 6):
            lines = [f"route add {network(to, version)} via {address(wire, n, version)}" for to, wire, n in routes]
            self._batch(machine.space, lines, f"-{version}")

    def arrange(self, layout: str) -> None:
        """Put the firewalls of a layout in place, without any rules: they route everything."""
        for name in self.firewalls:
            self._remove(name)
        self.firewalls = list(FIREWALLS[layout])
        for name, legs in FIREWALLS[layout].items():
            machine = self._machine(name, legs)
            machine.command("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
            self._route(machine, ROUTES[f"{layout} {name}"])
            machine.open_doors()
        for machine in self.machines.values():
            _ip(["-n", machine.space, "neighbour", "flush", "all"])

    def load(self, name: str, rules: str) -> None:
        """Put rules in force on a machine, twice: the second time changes nothing."""
        for _ in range(2):
            self[name].command("nft", "-f", "-", text=rules)

    def unload(self) -> None:
        """No machine has any rules."""
        for machine in self.machines.values():
            machine.command("nft", "flush", "ruleset")

    def _remove(self, name: str) -> None:
        machine = self.machines.pop(name)
        for sock in (*machine.doors, *machine.ears.values()):
            sock.close()
        # The kernel takes its time with a namespace's cables; the next machine of that name needs them gone.
        for wire in machine.legs:
            _ip(["-n", self._wire, "link", "delete", f"{name}-{wire}"])
        _ip(["netns", "delete", self.prefix + name])
        self._made = [space for space in self._made if space != self.prefix + name]

    def close(self) -> None:
        """Remove everything. Processes on the machines are ended by those who started them, before this."""
        for name in list(self.machines):
            self._remove(name)
        for space in self._made:
            _ip(["netns", "delete", space])
