"""The listening sockets: bound once, kept for ever, handed to every generation of workers.

All or nothing: a bind that fails closes what was bound with it, and the error names the listener. A socket is
known by its address (a renamed listener keeps it), and by listener and address where the port is 0.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Mapping
from typing import Any

from revproxy.config.settings import Address, Settings
from revproxy.errors import ConfigError, Location

BACKLOG = 4096
"""Connections that may wait in the kernel while workers change."""

ADMIN = "the admin listener"
"""What it is called among `addresses`."""

_HINTS = {
    errno.EADDRINUSE: "another program listens there; `ss -ltnp` tells which",
    errno.EACCES: "ports below 1024 need root or CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "no interface of this machine has that address",
}


def _resolve(address: Address) -> tuple[socket.AddressFamily, Any]:
    """The first address of the host, IPv4 before IPv6 where a name has both. Raises OSError."""
    flags = socket.AI_PASSIVE
    found = socket.getaddrinfo(address.host or None, address.port, type=socket.SOCK_STREAM, flags=flags)
    family, _, _, _, target = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, target


def bind(address: Address) -> socket.socket:
    """A listening, non-blocking socket. Raises OSError."""
    family, target = _resolve(address)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(target)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def unavailable(address: Address) -> tuple[str, str] | None:
    """Why this machine cannot listen on such an address whatever the port is, and a hint; None when it can.

    No port is taken for it: a datagram socket is bound to one that the kernel chooses.
    """
    try:
        family, target = _resolve(address)
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((target[0], 0, *target[2:]))
    except OSError as error:
        reason, hint = _reason(error)
        return f"cannot listen on {address}: {reason}", hint
    return None


def bound(sock: socket.socket) -> Address:
    """Where a socket really listens (the port that the kernel chose for 0)."""
    host, port = sock.getsockname()[:2]
    return Address(host, port)


def _explain(name: str, address: Address, file: str, error: OSError) -> ConfigError:
    reason, hint = _reason(error)
    return ConfigError(f"{name} cannot listen on {address}: {reason}", Location(file), hint=hint)


def _reason(error: OSError) -> tuple[str, str]:
    """In words, and a hint (or "")."""
    if isinstance(error, socket.gaierror):
        return str(error), ""
    number = error.errno or 0
    return os.strerror(number), _HINTS.get(number, "")


def doors(settings: Settings) -> dict[str, Address]:
    """The listeners, by the name that an error gives them."""
    return {f"listener {listener.name}": listener.bind for listener in settings.listeners}


def addresses(settings: Settings) -> dict[str, Address]:
    """Everything that listens on TCP, by the name that an error gives it."""
    wanted = doors(settings)
    if settings.admin is not None:
        wanted[ADMIN] = settings.admin
    return wanted


def _place(address: Address) -> tuple[socket.AddressFamily, Any] | None:
    """Where a listener binds, as a socket says it; None for a host that is not found: binding tells of that."""
    try:
        family, target = _resolve(address)
    except OSError:
        return None
    return family, tuple(target[:2])


def _listens(sock: socket.socket) -> bool:
    return sock.type == socket.SOCK_STREAM and bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _fits(key: str, sock: socket.socket) -> bool:
    """Keys with a name behind the address are those of listeners whose port the kernel chose."""
    return _listens(sock) and (" " in key or key.endswith(f":{bound(sock).port}"))


def _said(sock: socket.socket) -> str:
    """A socket of somebody else in words."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return f"a socket that is none of TCP ({sock.family.name} {sock.getsockname() or ''})".replace(" )", ")")
    return f"a socket {'on' if _listens(sock) else 'that does not listen, of'} {bound(sock)}"


def would_bind(wanted: Mapping[str, Address], held: Iterable[str], file: str) -> None:
    """Raise ConfigError where one of them could not be bound; `held` are addresses that somebody lets us have."""
    keeper, ours = Keeper(), frozenset(held)
    try:
        keeper.bind({name: address for name, address in wanted.items() if str(address) not in ours}, file)
    finally:
        keeper.close()


class Keeper:
    """Listening sockets by key; a reload adds with `bind`, and drops with `keep_only` once it has succeeded."""

    def __init__(self) -> None:
        self._sockets: dict[str, socket.socket] = {}

    @staticmethod
    def _key(name: str, address: Address) -> str:
        return f"{address} {name}" if address.port == 0 else str(address)

    def bind(self, wanted: Mapping[str, Address], file: str) -> dict[str, socket.socket]:
        """Sockets by name, bound now or long since. Raises ConfigError, then nothing new stays bound."""
        fresh: dict[str, socket.socket] = {}
        for name, address in wanted.items():
            key = self._key(name, address)
            if key in self._sockets or key in fresh:
                continue
            try:
                fresh[key] = bind(address)
            except OSError as error:
                for sock in fresh.values():
                    sock.close()
                raise _explain(name, address, file, error) from None
        self._sockets |= fresh
        return {name: self._sockets[self._key(name, address)] for name, address in wanted.items()}

    def adopt(self, sockets: Mapping[str, socket.socket]) -> None:
        """Take over listening sockets that were bound by somebody else, by key (`held`). What is none, or listens on
        another port than its key says, is closed: it was in the broker's hands."""
        for key, sock in sockets.items():
            sock.setblocking(False)
            if not _fits(key, sock) or self._sockets.setdefault(key, sock) is not sock:
                sock.close()

    def take(self, given: Iterable[socket.socket], wanted: Mapping[str, Address], file: str) -> None:
        """Take over listening sockets of a service manager, each for what has its address. Raises ConfigError for one
        that nothing has."""
        keys = {_place(address): self._key(name, address) for name, address in wanted.items()}
        for sock in given:
            key = keys.get((sock.family, sock.getsockname()[:2]))
            if key is None or not _listens(sock):
                what = _said(sock)
                hint = "the addresses of the socket unit and of the listeners have to be the same"
                raise ConfigError(
                    f"the service manager gives {what}, which no listener has", Location(file), hint=hint
                )
            # The unit may say less.
            sock.listen(BACKLOG)
            self.adopt({key: sock})

    def held(self, wanted: Mapping[str, Address]) -> dict[str, socket.socket]:
        """Those of them that are bound, by key."""
        keys = [self._key(name, address) for name, address in wanted.items()]
        return {key: self._sockets[key] for key in keys if key in self._sockets}

    def keep_only(self, wanted: Mapping[str, Address]) -> None:
        """Close every socket that none of these asks for."""
        keys = {self._key(name, address) for name, address in wanted.items()}
        for key in [key for key in self._sockets if key not in keys]:
            self._sockets.pop(key).close()

    def close(self) -> None:
        """Close all of them."""
        self.keep_only({})
