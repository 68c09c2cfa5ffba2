"""Loads that go on until told to stop, and know what must have become of it: mail, event streams, uploads, wrk.

Each is run in a thread of its own (`in_background`). An AssertionError there is a loss.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
import signal
import smtplib
import subprocess
import threading
import uuid
from collections import Counter
from contextlib import closing, contextmanager, suppress

from servers import PATH

BATCH = 50
_RCPT = re.compile(r"^X-Rcpt-Args: <([^>]*)>", re.MULTILINE)
_WAIT_SECONDS = 60.0


class Source:
    """smtp-source, batch after batch, until told to stop; every message has a recipient of its own."""

    def __init__(self, port, stop, *options):
        self._port, self._stop, self._options = port, stop, options
        self.sent = 0
        self.name = uuid.uuid4().hex[:8]

    def run(self):
        batch = 0
        while not self._stop.is_set():
            batch += 1
            to = f"-{self.name}-{batch}@one.example"
            command = ["smtp-source", "-N", "-s", "4", "-l", "2000", "-m", str(BATCH), *self._options]
            command += ["-f", "a@out.example", "-t", to, f"127.0.0.1:{self._port}"]
            done = subprocess.run(
                command, env={"PATH": PATH}, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, done.stderr
            assert not done.stderr
            self.sent += BATCH


class Sender:
    """What a mail server does: keeps its session as long as it may, and comes again when told so (421)."""

    def __init__(self, port, stop, pause=0.0):
        self._port, self._stop, self._pause = port, stop, pause
        self.accepted, self.sessions = [], 0
        self.name = uuid.uuid4().hex[:8]

    def run(self):
        numbers = itertools.count(1)
        while not self._stop.is_set():
            self.sessions += 1
            with closing(smtplib.SMTP("127.0.0.1", self._port, "client.example", timeout=60)) as session:
                session.ehlo()
                # Cut off between two messages: nothing is lost, the next one goes into the next session.
                with suppress(smtplib.SMTPServerDisconnected):
                    while not self._stop.is_set() and self._send(session, f"{next(numbers)}-{self.name}@one.example"):
                        pass

    def _send(self, session, to):
        """Whether the session goes on."""
        code, text = session.docmd("MAIL", "FROM:<a@out.example>")
        if code == 421:
            return False
        assert code == 250, text
        # From here on nothing but 250 will do.
        try:
            assert session.rcpt(to)[0] == 250
            assert session.data(b"Subject: hello\r\n\r\nhello\r\n")[0] == 250
        except smtplib.SMTPException as error:
            raise AssertionError(f"the session broke within a message: {error!r}") from error
        self.accepted.append(to)
        self._stop.wait(self._pause)
        return True


def wrk(url, stop):
    """What wrk says of a load that lasts until told to stop."""
    command = ["wrk", "-t1", "-c16", "-d600s", "--timeout", "20s", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        stop.wait()
        process.send_signal(signal.SIGINT)
        return process.stdout.read()


def received_by(sink):
    """How many messages came for each recipient."""
    return Counter(_RCPT.findall(sink.dump.read_text("latin-1")))


def of(received, name):
    """How many messages came for each of that load's recipients."""
    return {to: count for to, count in received.items() if name in to}


# ---- answers and requests that take their time

EVENTS, EVENT_SECONDS = 40, 0.1
PIECES, PIECE_BYTES, PIECE_SECONDS = 30, 16_384, 0.1


async def _serve(reader, writer):
    """An internal server: `/events` is a stream of numbered events, what is posted is answered by its hash."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            if head.startswith(b"GET /events"):
                await _stream(writer)
                continue
            length = re.search(rb"content-length: (\d+)", head.lower())
            body = await reader.readexactly(int(length[1])) if length else b""
            digest = hashlib.sha256(body).hexdigest().encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 64\r\n\r\n" + digest)
    writer.close()


async def _stream(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for number in range(EVENTS):
        event = b"data: %d\n\n" % number
        writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        await writer.drain()
        await asyncio.sleep(EVENT_SECONDS)
    writer.write(b"0\r\n\r\n")


@contextmanager
def patient_server():
    """Its port."""
    loop, ready, ports = asyncio.new_event_loop(), threading.Event(), []

    async def start():
        server = await asyncio.start_server(_serve, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        return server

    def run():
        server = loop.run_until_complete(start())
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.1))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    yield ports[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


class Patient:
    """Clients that read event streams, and clients that send uploads piece by piece, each for some seconds."""

    def __init__(self, port, stop, each=4):
        self._port, self._stop, self._each = port, stop, each
        self.streams = self.uploads = 0

    def run(self):
        asyncio.run(self._all())

    async def _all(self):
        await asyncio.gather(*(work() for work in (self._watch, self._upload) for _ in range(self._each)))

    async def _watch(self):
        while not self._stop.is_set():
            head, body = await self._ask(b"GET /events HTTP/1.1\r\nHost: one.example\r\n\r\n", None)
            numbers = [int(found) for found in re.findall(rb"data: (\d+)\n", body)]
            assert head.startswith(b"HTTP/1.1 200 "), head
            assert numbers == list(range(EVENTS)), numbers
            self.streams += 1

    async def _upload(self):
        while not self._stop.is_set():
            piece = uuid.uuid4().hex.encode() * (PIECE_BYTES // 32)
            head = b"POST /upload HTTP/1.1\r\nHost: one.example\r\nContent-Type: application/octet-stream\r\n"
            head += b"Content-Length: %d\r\n\r\n" % (len(piece) * PIECES)
            answer, body = await self._ask(head, piece)
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            assert body == hashlib.sha256(piece * PIECES).hexdigest().encode()
            self.uploads += 1

    async def _ask(self, head, piece):
        """One request on a connection of its own; its head, and its body as it was framed."""
        async with asyncio.timeout(_WAIT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            with closing(writer):
                writer.write(head)
                for _ in range(PIECES if piece else 0):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(PIECE_SECONDS)
                answer = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", answer.lower())
                if length:
                    return answer, await reader.readexactly(int(length[1]))
                return answer, await reader.readuntil(b"\r\n0\r\n\r\n")
