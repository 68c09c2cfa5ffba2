"""aiosmtpd's connection, hardened: lines and blocks in, replies out, deadlines, counts, STARTTLS.

What aiosmtpd decides about commands is not used: its grammar is too lax for a forwarder, its errors echo exception
texts, and its command loop, DATA loop and TLS upgrade have the faults that tests/proxy/smtp names one by one. What
is used is its place in asyncio (StreamReaderProtocol). What a command means is `session`'s business.

Private names of asyncio's streams are touched in `streams` only.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Final, cast

from aiosmtpd.smtp import SMTP

from revproxy.errors import SmtpError
from revproxy.protocols.smtp import Command, DataReader, parse_command
from revproxy.protocols.smtp.refusals import LONG_LINE, TOO_BIG
from revproxy.protocols.smtp.reply import write_reply
from revproxy.proxy.smtp import replies
from revproxy.proxy.smtp.envelope import Client
from revproxy.proxy.smtp.hold import Hold
from revproxy.proxy.smtp.office import Office
from revproxy.proxy.smtp.session import Answer, Next, Session
from revproxy.proxy.smtp.streams import buffered, discard, put_back, upgraded

log = logging.getLogger("revproxy.mail")
# It logs every address at INFO and every line at DEBUG; what is to be recorded, `record` records.
logging.getLogger("mail.log").setLevel(logging.WARNING)

BLOCK: Final = 64 * 1024
"""Bytes read at a time; twice as much may wait in a connection's buffer."""

_FATAL: Final = frozenset({"bare-control", "pipelined", "pregreet", "too-big-to-wait"})
"""Reasons after which no further byte of the client is believed."""
_LAST_OF_GROUP: Final = frozenset({b"EHLO", b"HELO", b"DATA", b"VRFY", b"EXPN", b"AUTH"})
"""RFC 2920 3.1; QUIT and NOOP harm nobody, and what follows STARTTLS is thrown away."""


class _Gone(Exception):
    """The client ended its side."""


class Server(SMTP):
    """One connection of a client. `on_end` is called once, when its task is over."""

    line_length_limit = BLOCK

    def __init__(
        self,
        office: Office,
        tls: ssl.SSLContext | None,
        on_made: Callable[[Server], bool],
        on_end: Callable[[Server], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`on_made` says whether there is room for this client."""
        # Not SMTP's own constructor: it looks hooks and methods up by reflection, a fifth of what a short session
        # costs, for a command loop that is not used.
        self.loop = loop
        self.transport = None
        reader = asyncio.StreamReader(limit=self.line_length_limit, loop=loop)
        asyncio.StreamReaderProtocol.__init__(self, reader, self._cb_client_connected, loop)
        self._office = office
        self._tls = tls
        self._on_made = on_made
        self._on_end = on_end
        self._waiting: asyncio.Timeout | None = None
        self._commands = 0
        self._errors = 0
        self._ends = 0.0
        self.client = Client("", 0)
        self.task: asyncio.Task[None] | None = None

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there is no room."""
        asyncio.StreamReaderProtocol.connection_made(self, transport)
        self.transport = transport
        self.client = _client(transport)
        self._dialogue = Session(self._office, self.client)
        self._ends = self.loop.time() + self._office.limits.timeouts.smtp_session
        welcome = self._on_made(self)
        self.task = self.loop.create_task(self._handle_client() if welcome else self._turn_away())

    def connection_lost(self, error: Exception | None) -> None:
        """End the dialogue; a delivery under way is shielded from this."""
        asyncio.StreamReaderProtocol.connection_lost(self, error)
        self.transport = None
        if self.task is not None:
            self.task.cancel()

    def eof_received(self) -> bool | None:
        """The client has said all that it will: commands that are here are answered still."""
        return asyncio.StreamReaderProtocol.eof_received(self)

    @property
    def _wire(self) -> asyncio.Transport | None:
        """The transport as what it is; None once it is lost."""
        return cast(asyncio.Transport | None, self.transport)

    # The dialogue.

    async def _turn_away(self) -> None:
        try:
            await self._refuse(replies.TOO_MANY_CONNECTIONS, "connections")
        except (ConnectionError, TimeoutError):
            pass
        finally:
            self._end()

    async def _handle_client(self) -> None:
        """All of a session. Whatever goes wrong in it, the client is told no more than a fixed text."""
        try:
            await self._greet()
            while await self._turn():
                pass
        except (ConnectionError, TimeoutError, ssl.SSLError, _Gone):
            pass
        except Exception as error:  # noqa: BLE001 - a bug of ours: the session ends, nothing is accepted
            await self._broke(error)
        finally:
            self._end()

    async def _broke(self, error: Exception) -> None:
        try:
            await self.say(await self.handle_exception(error))
        except (ConnectionError, TimeoutError):
            pass

    async def handle_exception(self, error: Exception) -> str:
        """What a client gets for a fault of ours: nothing of the exception."""
        log.error("mail session of %s broke: %s", self.client.address, type(error).__name__, exc_info=error)
        return replies.INTERNAL

    def _end(self) -> None:
        self._dialogue.close()
        self._close()
        self._on_end(self)

    def _close(self) -> None:
        """Close; a client that does not take our last words is cut off."""
        transport = self._wire
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size():
            self.loop.call_later(self._office.limits.timeouts.write_stall, transport.abort)
        transport.close()

    async def _greet(self) -> None:
        """220, unless the client talks first: it does not speak SMTP, or speaks it blindly."""
        # Two turns of the loop: what was there when we accepted has been read then.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if buffered(self._reader):
            await self._refuse(replies.PREGREET, "pregreet")
            raise _Gone
        await self.say(f"220 {self._office.hostname} ESMTP")

    async def _turn(self) -> bool:
        """One command and its reply; whether the session goes on."""
        try:
            command = parse_command(await self._line(), self._office.limits.smtp)
            self._count(command)
            reply, then = await self._dialogue.answer(command)
            if then is Next.STARTTLS:
                return await self._start_tls(reply)
            if then is Next.DATA:
                reply, then = await self._message(reply)
        except SmtpError as error:
            reply, then = error.reply, Next.CLOSE if error.reason in _FATAL else Next.COMMAND
            if then is Next.CLOSE or reply.startswith("421"):
                self._office.recorder.refused(self.client, self._office.new_id(), reply, error.reason)
        if reply:
            await self.say(reply)
        if then is Next.CLOSE or reply.startswith("421"):
            return False
        return await self._patience(reply)

    async def _patience(self, reply: str) -> bool:
        """Whether the client has errors left."""
        if reply.startswith("5"):
            self._errors += 1
            if self._errors >= self._office.limits.smtp.errors:
                await self._refuse(replies.TOO_MANY_ERRORS, "errors")
                return False
        return True

    async def _refuse(self, reply: str, reason: str) -> None:
        """The last words of a session that we end."""
        self._office.recorder.refused(self.client, self._office.new_id(), reply, reason)
        await self.say(reply)

    def _count(self, command: Command) -> None:
        self._commands += 1
        if self._commands > self._office.limits.smtp.commands:
            raise SmtpError(replies.TOO_MANY_COMMANDS, "commands")
        extended = self.client.extended or command.verb in (b"STARTTLS", b"QUIT")
        if buffered(self._reader) and (command.verb in _LAST_OF_GROUP or not extended):
            raise SmtpError(replies.PIPELINED, "pipelined")

    # Reading.

    async def _line(self) -> bytes:
        """The next command line, with its end. SmtpError when none came in time."""
        if self._leaving and self.loop.time() >= self._office.last_call:
            raise SmtpError(replies.GOING_DOWN, "drain")
        try:
            async with asyncio.timeout(self._seconds(self._office.limits.timeouts.smtp_command)) as self._waiting:
                self.drain()
                return bytes(await self._reader.readuntil(b"\n"))
        except TimeoutError:
            raise self._timeout() from None
        except asyncio.IncompleteReadError:
            raise _Gone from None
        except asyncio.LimitOverrunError:
            raise SmtpError(LONG_LINE[0], "bare-control") from None
        finally:
            self._waiting = None

    async def _message(self, go_ahead: str) -> Answer:
        """354, the data, and the session's answer to it."""
        hold = Hold(self._office.memory)
        try:
            if not hold.resize(BLOCK):
                raise SmtpError(replies.NO_MEMORY, "memory")
            await self.say(go_ahead)
            data = await self._read_data(hold)
            return await self._dialogue.message(data, hold)
        except BaseException:
            # Not `finally`: a delivery that goes on without its client still holds the message.
            if not self._dialogue.forwarding:
                hold.release()
            raise

    async def _read_data(self, hold: Hold) -> DataReader:
        """Everything up to the end of data, in blocks. SmtpError when it takes too long, or never ends."""
        data = DataReader(self._office.limits.smtp)
        timeouts = self._office.limits.timeouts
        ends = self.loop.time() + self._seconds(timeouts.smtp_data_total)
        try:
            async with asyncio.timeout_at(ends) as waiting:
                while not data.done:
                    waiting.reschedule(min(ends, self.loop.time() + timeouts.smtp_data))
                    block = await self._reader.read(BLOCK)
                    if not block:
                        raise _Gone
                    data.feed(block)
                    # Twice: as it came, and as it goes inside.
                    if not hold.resize(2 * data.held):
                        data.spoil((replies.NO_MEMORY, "memory"))
                    if data.overrun:
                        raise SmtpError(TOO_BIG[0], "too-big-to-wait")
        except TimeoutError:
            raise self._timeout() from None
        put_back(self._reader, data.rest)
        return data

    def _seconds(self, most: float) -> float:
        return max(0.0, min(most, self._ends - self.loop.time()))

    def _timeout(self) -> SmtpError:
        if self._leaving:
            return SmtpError(replies.GOING_DOWN, "drain")
        over = self.loop.time() >= self._ends
        return SmtpError(replies.SESSION_OVER if over else replies.TIMEOUT, "session" if over else "timeout")

    # Writing.

    async def say(self, reply: str) -> None:
        """Send a reply; TimeoutError for a client that takes nothing."""
        transport = self._wire
        if transport is None:
            raise ConnectionResetError
        self._writer.write(write_reply(reply))
        if transport.get_write_buffer_size():
            async with asyncio.timeout(self._office.limits.timeouts.write_stall):
                await self._writer.drain()

    # TLS.

    async def _start_tls(self, reply: str) -> bool:
        """Upgrade with the loop's own TLS. Nothing that came before the handshake is read after it."""
        transport = self._wire
        if transport is None or self._tls is None:
            raise _Gone
        transport.pause_reading()
        discard(self._reader)
        self._writer.write(write_reply(reply))
        secured = await self.loop.start_tls(
            transport,
            self,
            self._tls,
            server_side=True,
            ssl_handshake_timeout=self._office.limits.timeouts.tls_handshake,
        )
        if secured is None:
            raise _Gone
        upgraded(self, secured)
        await self._dialogue.secured()
        return True

    # Ending.

    @property
    def _leaving(self) -> bool:
        """Whether this session is to end rather than to begin a message."""
        return self._office.draining and not self._dialogue.busy

    def drain(self) -> None:
        """While draining: have a session that waits for a next message wait no longer than it may."""
        if self._waiting is None or not self._leaving:
            return
        soon = min(self.loop.time() + self._office.drain_idle, self._office.last_call)
        self._waiting.reschedule(min(self._waiting.when() or soon, soon))

    def abort(self) -> None:
        """Cut it off."""
        if self._wire is not None:
            self._wire.abort()
        elif self.task is not None:
            self.task.cancel()


def _client(transport: asyncio.BaseTransport) -> Client:
    peer, ours = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    made = Client("", 0, tls=transport.get_extra_info("ssl_object") is not None)
    if isinstance(peer, tuple):
        made.address, made.port = _address(peer[0]), peer[1]
    if isinstance(ours, tuple):
        made.our_address, made.our_port = _address(ours[0]), ours[1]
    return made


def _address(text: str) -> str:
    """Without a zone; an IPv4 client of an IPv6 socket is an IPv4 client."""
    text = text.partition("%")[0]
    return text[7:] if text.startswith("::ffff:") and "." in text else text
