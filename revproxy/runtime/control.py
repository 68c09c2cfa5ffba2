"""The control socket: one JSON object a line, an answer for each, over a unix stream socket.

`{"do": VERB}` -> `{"ok": true, "result": {...}}` or `{"ok": false, "error": "..."}`.
Only root, the user who runs us and the configured owner are heard, whatever the file's mode says. What the verbs
do is the supervisor's; the client for the command line is `ask`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pwd
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from revproxy.config.settings import Control
from revproxy.errors import ConfigError, Location, RevproxyError
from revproxy.runtime.legacy import SUFFIX

_log = logging.getLogger("revproxy.control")

Verbs = Mapping[str, Callable[[], Awaitable[dict[str, Any]]]]
MOST_LINE = 4096
"""Bytes of a request line."""
MOST_PATH = 107 - len(SUFFIX)
"""Bytes of its path: those of a unix socket's (sun_path, without its NUL), less what `legacy` puts behind it."""
RUN_FOLDER = os.path.dirname(Control().path)
"""The folder of the default path."""
_CREDENTIALS = struct.Struct("3i")


def owner_uid(control: Control) -> int:
    """The uid that the socket belongs to. Raises KeyError for a user that this machine does not know."""
    if control.owner is None:
        return os.getuid()
    return int(control.owner) if control.owner.isdecimal() else pwd.getpwnam(control.owner).pw_uid


def wrong(control: Control) -> tuple[str, str] | None:
    """Why the socket could not be made, and a hint (or ""); None when it could. Touches nothing."""
    folder = os.path.dirname(control.path) or "."
    if len(os.fsencode(control.path)) > MOST_PATH:
        return f"control path is longer than {MOST_PATH} bytes: {control.path}", "the kernel takes no longer ones"
    made_at_start = folder == RUN_FOLDER and not os.path.lexists(folder)
    if not os.path.isdir(folder) and not made_at_start:
        return f"control: the directory {folder} does not exist", f"mkdir -p {folder}"
    if not os.access(os.path.dirname(folder) if made_at_start else folder, os.W_OK | os.X_OK, effective_ids=True):
        if made_at_start:
            return f"control: the directory {folder} does not exist and cannot be made", "control: {path: FILE}"
        return f"control: the directory {folder} is not writable for uid {os.getuid()}", ""
    if os.path.lexists(control.path) and not stat.S_ISSOCK(os.lstat(control.path).st_mode):
        return f"control: {control.path} exists and is no socket", ""
    return _wrong_owner(control)


def _wrong_owner(control: Control) -> tuple[str, str] | None:
    try:
        uid = owner_uid(control)
    except KeyError:
        return f"control: there is no user {control.owner!r} here", ""
    if uid != os.getuid() and os.getuid() != 0:
        return f"control: only root can give the socket to {control.owner!r}", ""
    return None


def check(control: Control, file: str) -> None:
    """Raise ConfigError where the socket could not be made; touches nothing."""
    found = wrong(control)
    if found is not None:
        raise ConfigError(found[0], Location(file), hint=found[1])


def answered(path: str) -> bool:
    """Whether somebody listens on that socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True
        return True


def _make_folder(folder: str) -> None:
    """That of the default path, which lies below a /run that is empty after every boot; no other."""
    if folder == RUN_FOLDER and not os.path.isdir(folder):
        with _umask(0o022):
            os.mkdir(folder, 0o755)


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    old = os.umask(mask)
    try:
        yield
    finally:
        os.umask(old)


def bind(control: Control, file: str) -> socket.socket:
    """The listening socket, with its owner and mode from its first moment. Raises ConfigError.

    A file that nobody answers on is what an earlier run left behind, and makes way.
    """
    check(control, file)
    with suppress(OSError):
        _make_folder(os.path.dirname(control.path))
    if answered(control.path):
        raise ConfigError(f"control: another revproxy answers on {control.path}", Location(file))
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            os.unlink(control.path)
        with _umask(0o177):
            sock.bind(control.path)
        if owner_uid(control) != os.getuid():
            os.chown(control.path, owner_uid(control), -1)
        os.chmod(control.path, control.mode)
        sock.listen(16)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise ConfigError(f"control: {control.path}: {error.strerror}", Location(file)) from None
    return sock


class ControlServer:
    """Answers on one control socket until closed."""

    def __init__(self, control: Control, verbs: Verbs) -> None:
        self.control = control
        self._verbs = verbs
        self._allowed = {0, os.getuid(), owner_uid(control)}
        self._inode = 0
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self._waiting: dict[asyncio.StreamWriter, str] = {}
        """Who waits for which verb's answer."""

    async def start(self, sock: socket.socket) -> None:
        """Serve on what `bind` gave."""
        self._inode = os.stat(self.control.path).st_ino
        self._server = await asyncio.start_unix_server(self._accepted, sock=sock, limit=MOST_LINE)

    def close(self) -> None:
        """Take no one new, and remove the file if it is still ours. Who is connected stays so."""
        if self._server is not None:
            self._server.close()
        with suppress(FileNotFoundError):
            if os.stat(self.control.path).st_ino == self._inode:
                os.unlink(self.control.path)

    def waiting(self, verb: str) -> list[int]:
        """Descriptors of the clients that wait for that verb's answer; copies."""
        socks = [writer.get_extra_info("socket") for writer, asked in self._waiting.items() if asked == verb]
        return [os.dup(sock.fileno()) for sock in socks]

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.ensure_future(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it closes; a line that is too long ends it."""
        try:
            uid = peer_uid(writer.get_extra_info("socket"))
            if uid not in self._allowed:
                _log.warning("uid %d is not allowed on the control socket", uid)
                writer.write(_line({"ok": False, "error": f"uid {uid} is not allowed"}))
                return
            while line := await reader.readline():
                writer.write(_line(await self._answer(line, writer)))
                await writer.drain()
        except (ConnectionError, ValueError):
            _log.info("a control client went away or sent too long a line")
        finally:
            writer.close()

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> dict[str, Any]:
        try:
            verb = json.loads(line)["do"]
            work = self._verbs[verb]
        except (ValueError, KeyError, TypeError):
            return {"ok": False, "error": f"expected one of {', '.join(self._verbs)}"}
        self._waiting[writer] = verb
        try:
            return {"ok": True, "result": await work()}
        except RevproxyError as error:
            return {"ok": False, "error": str(error), "kind": type(error).__name__}
        except Exception as error:  # noqa: BLE001 - a bug in a verb must not end the control socket
            _log.exception("%s failed", verb)
            return {"ok": False, "error": f"internal error: {type(error).__name__}: {error}"}
        finally:
            del self._waiting[writer]


def peer_uid(sock: socket.socket) -> int:
    """Who connected, as the kernel says (SO_PEERCRED)."""
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"
