"""What outlives a supervisor that is killed: its listening sockets, and the bell that its workers hear.

The broker keeps copies of both, and of a socket that has a name beside the control socket's. Once its supervisor is
gone it gives them to whoever asks there: the next supervisor, which binds nothing then that is bound already. Workers
go on serving meanwhile; when the bell is rung, or nobody is left who could ring it, they finish what they have begun.

Invariants: the file of the named socket is the supervisor's user's alone; a supervisor that serves is never
succeeded; what a supervisor that fails to start was given stays where it was. What workers and broker do is theirs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final, Protocol

from revproxy.net.egress import receive

_log = logging.getLogger("revproxy.supervisor")
SUFFIX: Final = ".heir"
"""Behind the control socket's path."""
CLAIM: Final = b"claim"
DONE: Final = b"done"
BELL: Final = "bell"
CLAIMS: Final = "claims"
LISTENING: Final = "listening "
"""Before the key of a listening socket (`sockets.Keeper`)."""
END: Final = "end"
_MOST = 4096
_ANSWER_SECONDS = 5.0


class Open(Protocol):
    """Something with a descriptor."""

    def fileno(self) -> int:
        """It; -1 when it is closed."""


class Bell:
    """A pipe into which one byte is written, and from which nobody reads: all who have its other end see it."""

    def __init__(self, rope: int, end: int = -1) -> None:
        """`rope` is what rings it, `end` (-1: not ours to give) what is looked at."""
        self._rope, self.end = rope, end

    @classmethod
    def make(cls) -> Bell:
        """One that was not rung."""
        end, rope = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        return cls(rope, end)

    def fileno(self) -> int:
        """Its rope."""
        return self._rope

    def ring(self) -> None:
        """Have everybody drain who has no supervisor any more. Nobody is left where nobody hears it."""
        with suppress(BrokenPipeError, BlockingIOError):
            os.write(self._rope, b"\0")

    def close(self) -> None:
        """Let go of it."""
        for number in (self._rope, self.end):
            if number >= 0:
                os.close(number)
        self._rope = self.end = -1


class Legacy:
    """The supervisor's side: what it would leave."""

    def __init__(self) -> None:
        self.bell = Bell.make()
        self._claims: socket.socket | None = None
        self._path = ""

    def left(self, control: str, listening: Mapping[str, socket.socket]) -> list[tuple[str, Open]]:
        """All of it, by name, for the broker; claims are heard beside that control socket from now on.

        Raises OSError where its socket cannot be made.
        """
        self._move(control + SUFFIX)
        assert self._claims is not None
        sockets = [(LISTENING + key, sock) for key, sock in listening.items()]
        return [(BELL, self.bell), (CLAIMS, self._claims), *sockets]

    def close(self) -> None:
        """Leave nothing."""
        self._unlink()
        self.bell.close()

    def _move(self, path: str) -> None:
        if path == self._path:
            return
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            with suppress(FileNotFoundError):
                os.unlink(path)
            with _private():
                sock.bind(path)
            sock.setblocking(False)
        except BaseException:
            sock.close()
            raise
        self._unlink()
        self._claims, self._path = sock, path

    def _unlink(self) -> None:
        if self._claims is not None:
            self._claims.close()
            self._claims = None
            with suppress(FileNotFoundError):
                os.unlink(self._path)


@contextmanager
def _private() -> Iterator[None]:
    old = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(old)


class Kept:
    """The broker's side: what it keeps for the next supervisor, on its loop."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._claims: socket.socket | None = None
        self._heirs: set[socket.socket] = set()

    def take(self, name: str, number: int) -> None:
        """Keep this descriptor, in place of one of that name; it is ours."""
        if name == CLAIMS:
            if self._claims is not None:
                self._claims.close()
            self._claims = socket.socket(fileno=number)
            return
        if name in self._numbers:
            os.close(self._numbers[name])
        self._numbers[name] = number

    def offer(self) -> None:
        """Hear claims from now on: the supervisor is gone."""
        if self._claims is not None:
            asyncio.get_running_loop().add_reader(self._claims.fileno(), self._claimed, self._claims)

    def forget(self) -> None:
        """Keep nothing any more."""
        loop = asyncio.get_running_loop()
        for sock in (*self._heirs, *([self._claims] if self._claims is not None else [])):
            loop.remove_reader(sock.fileno())
            sock.close()
        for number in self._numbers.values():
            os.close(number)
        self._claims = None
        self._heirs.clear()
        self._numbers.clear()

    def _claimed(self, claims: socket.socket) -> None:
        """Another supervisor begins: give it all of it, and keep it until that one serves."""
        with suppress(OSError):
            _, number = receive(claims, _MOST)
            if number is not None:
                self._give(socket.socket(fileno=number))

    def _give(self, heir: socket.socket) -> None:
        heir.setblocking(False)
        try:
            for name, number in self._numbers.items():
                socket.send_fds(heir, [named(name)], [number])
            heir.send(named(END))
        except OSError as error:
            _log.warning("another supervisor cannot be given what is left: %s", error)
            heir.close()
            return
        _log.info("another supervisor was given the listening sockets")
        self._heirs.add(heir)
        asyncio.get_running_loop().add_reader(heir.fileno(), self._settled, heir)

    def _settled(self, heir: socket.socket) -> None:
        """It serves now, or it did not come to that."""
        try:
            done = heir.recv(_MOST) == DONE
        except OSError:
            done = False
        if done:
            self.forget()
        elif heir in self._heirs:
            asyncio.get_running_loop().remove_reader(heir.fileno())
            self._heirs.discard(heir)
            heir.close()


class Estate:
    """What a supervisor has left, in the hands of the next one."""

    def __init__(
        self,
        bell: Bell,
        sockets: Mapping[str, socket.socket],
        line: socket.socket | None = None,
        also: Estate | None = None,
    ) -> None:
        """`line` leads to the broker that gave it; `also` is settled or closed with it."""
        self.sockets = dict(sockets)
        self._bell, self._line, self._also = bell, line, also

    def settle(self) -> None:
        """Others serve now: the workers that it left drain, and nobody else is given anything."""
        self._bell.ring()
        if self._line is not None:
            with suppress(OSError):
                self._line.send(DONE)
        if self._also is not None:
            self._also.settle()
        self.close()

    def close(self) -> None:
        """Let go of it, but for the sockets. What was not settled stays as it was."""
        self._bell.close()
        if self._line is not None:
            self._line.close()
        if self._also is not None:
            self._also.close()


def claim(control: str) -> Estate | None:
    """What the supervisor with that control socket left; None: nothing, or nobody gives it (which is logged)."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(_ANSWER_SECONDS)
    with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        try:
            if os.lstat(control + SUFFIX).st_uid != os.geteuid():
                raise PermissionError("not of this user")
            asking.connect(control + SUFFIX)
            socket.send_fds(asking, [CLAIM], [theirs.fileno()])
        except OSError:
            # Nobody was killed here, or all have ended since, or it is somebody else's.
            ours.close()
            return None
    return _received(ours)


def dismiss(control: str) -> bool:
    """Have the workers that a supervisor has left drain, where nobody is to come in its place; whether there were
    any."""
    estate = claim(control)
    if estate is None:
        return False
    for sock in estate.sockets.values():
        sock.close()
    estate.settle()
    return True


def _received(line: socket.socket) -> Estate | None:
    found: dict[str, int] = {}
    try:
        while (item := _item(line))[0] != END:
            name, number = item
            if number is not None:
                found[name] = number
        bell = found.pop(BELL)
    except (OSError, ValueError, LookupError) as error:
        _log.warning("what another supervisor left is not given: %s", error or "closed")
        for number in found.values():
            os.close(number)
        line.close()
        return None
    sockets = {name.removeprefix(LISTENING): socket.socket(fileno=number) for name, number in found.items()}
    return Estate(Bell(bell), sockets, line)


def _item(line: socket.socket) -> tuple[str, int | None]:
    """The next thing and its name. Raises OSError, ValueError, LookupError."""
    data, number = receive(line, _MOST)
    return str(json.loads(data)["name"]), number


def named(name: str) -> bytes:
    """What stands beside a descriptor."""
    return json.dumps({"name": name}).encode()
