"""The straight line of mail: envelope, then read -> fill fields -> inspect -> refuse or go on -> forward -> record.

A session answers commands one by one and knows their order; it holds no socket of the client's (`server`), no
grammar (`protocols.smtp`), no dialogue with the inside (`inside`) and no rule (`judge`).

Invariants:
- a recipient is accepted only when its domain is declared and the internal server has accepted it;
- the reply to a message is the internal server's own, or a 4xx or 5xx of ours: 250 is never made up;
- once a delivery has begun, only the internal server ends it: a client that leaves does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from revproxy.config.settings import Upstream
from revproxy.errors import PeerError, SmtpError
from revproxy.model import Action, Protocol, Transaction, Verdict
from revproxy.protocols.smtp import Command, DataReader, parse_mail, parse_rcpt
from revproxy.protocols.smtp.address import is_helo
from revproxy.protocols.smtp.data import SLICE
from revproxy.protocols.smtp.refusals import BAD_HELO, TOO_BIG, refuse
from revproxy.proxy.smtp import replies
from revproxy.proxy.smtp.envelope import Client, Envelope, Place
from revproxy.proxy.smtp.hold import Hold
from revproxy.proxy.smtp.inside import Inside
from revproxy.proxy.smtp.judge import judge
from revproxy.proxy.smtp.office import Office
from revproxy.proxy.smtp.received import Hop, received
from revproxy.proxy.smtp.record import Outcome
from revproxy.proxy.smtp.upstream import MailClient


class Next(Enum):
    """What the server does after it has sent a reply."""

    COMMAND = auto()
    DATA = auto()
    STARTTLS = auto()
    CLOSE = auto()


Answer = tuple[str, Next]


class Session:
    """One client's dialogue. `closed` once the client is gone."""

    def __init__(self, office: Office, client: Client) -> None:
        self._office = office
        self._client = client
        self._envelope: Envelope | None = None
        self._inside = Inside(self._connect)
        self._forwarding = False
        self._messages = 0
        self._closed = False
        self._refused = ("", "")

    @property
    def busy(self) -> bool:
        """Whether a message is under way, from MAIL to its reply."""
        return self._envelope is not None or self._forwarding

    @property
    def forwarding(self) -> bool:
        """Whether a delivery is under way."""
        return self._forwarding

    async def answer(self, command: Command) -> Answer:
        """The reply to a command. SmtpError is a reply too; PeerError never comes out."""
        verb = _VERBS.get(command.verb)
        if verb is None:
            raise SmtpError(replies.UNKNOWN, "unknown-command")
        try:
            return await verb(self, command.argument)
        except SmtpError as error:
            if self._envelope is not None:
                self._refused = (error.reply, error.reason)
            raise

    # Before a message.

    async def _ehlo(self, argument: bytes) -> Answer:
        await self._hello(argument, extended=True)
        office = self._office
        lines = [
            office.hostname,
            "PIPELINING",
            f"SIZE {office.limits.smtp.message_bytes}",
            "8BITMIME",
            "ENHANCEDSTATUSCODES",
        ]
        if office.offers_utf8:
            lines.append("SMTPUTF8")
        if office.starttls and not self._client.tls:
            lines.append("STARTTLS")
        return "\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]), Next.COMMAND

    async def _helo(self, argument: bytes) -> Answer:
        await self._hello(argument, extended=False)
        return f"250 {self._office.hostname}", Next.COMMAND

    async def _hello(self, argument: bytes, extended: bool) -> None:
        if not is_helo(argument):
            raise refuse(BAD_HELO)
        await self._reset()
        # What we told the inside about this client may have changed.
        self._inside.close()
        self._client.helo, self._client.extended = argument, extended

    async def _starttls(self, argument: bytes) -> Answer:
        if argument:
            raise SmtpError(replies.NO_ARGUMENT, "argument")
        if self._client.tls:
            raise SmtpError(replies.TLS_ALREADY, "tls-already")
        if not self._office.starttls:
            raise SmtpError(replies.TLS_NOT_HERE, "tls-not-here")
        return replies.TLS_READY, Next.STARTTLS

    async def secured(self) -> None:
        """TLS is on: all that was said before is forgotten (RFC 3207 4.2)."""
        await self._reset()
        self._inside.close()
        self._client.helo, self._client.extended, self._client.tls = b"", False, True

    async def _noop(self, _argument: bytes) -> Answer:
        return replies.OK, Next.COMMAND

    async def _vrfy(self, _argument: bytes) -> Answer:
        return replies.NO_VRFY, Next.COMMAND

    async def _no(self, _argument: bytes) -> Answer:
        return replies.NOT_IMPLEMENTED, Next.COMMAND

    async def _quit(self, argument: bytes) -> Answer:
        if argument:
            raise SmtpError(replies.NO_ARGUMENT, "argument")
        return replies.BYE, Next.CLOSE

    # The envelope.

    async def _mail(self, argument: bytes) -> Answer:
        office, limits = self._office, self._office.limits.smtp
        if not self._client.helo:
            raise SmtpError(replies.HELO_FIRST, "helo-first")
        if self._envelope is not None:
            raise SmtpError(replies.NESTED_MAIL, "nested-mail")
        if self._messages >= limits.messages_per_session:
            return replies.TOO_MANY_MESSAGES, Next.CLOSE
        mail = parse_mail(argument, self._client.extended)
        if mail.size > limits.message_bytes:
            raise refuse(TOO_BIG)
        if not office.domains:
            raise SmtpError(replies.NO_RELAY, "no-domains")
        self._messages += 1
        self._refused = ("", "")
        transaction = Transaction(office.new_id(), Protocol.SMTP)
        self._envelope = Envelope(mail, transaction, asyncio.get_running_loop().time())
        return replies.SENDER_OK, Next.COMMAND

    async def _rcpt(self, argument: bytes) -> Answer:
        envelope = self._under_way()
        asked = parse_rcpt(argument, envelope.mail.utf8).recipient
        recipient, place = self._office.domains.place_of(asked)
        if len(envelope.recipients) >= self._office.limits.smtp.recipients:
            raise SmtpError(replies.TOO_MANY_RECIPIENTS, "too-many-recipients")
        if envelope.recipients and place != envelope.place:
            raise SmtpError(replies.OTHER_SERVER, "other-server")
        envelope.place = place
        try:
            reply = await self._inside.ask(place.upstream, envelope.mail, recipient)
        except PeerError as error:
            raise self._away(place, error) from error
        if not reply.positive:
            raise SmtpError(replies.relayed(reply), "recipient-refused")
        envelope.recipients.append(recipient)
        return replies.relayed(reply), Next.COMMAND

    def _away(self, place: Place, error: PeerError) -> SmtpError:
        """The inside failed at a recipient. Those that it took before are asked for again when the message goes."""
        self._inside.abort()
        self._office.recorder.upstream_failed(place.upstream.name, type(error).__name__)
        return SmtpError(replies.INSIDE_AWAY, "upstream-away")

    async def _data(self, argument: bytes) -> Answer:
        envelope = self._under_way()
        if argument:
            raise SmtpError(replies.NO_ARGUMENT, "argument")
        if not envelope.recipients:
            raise SmtpError(replies.RCPT_FIRST, "rcpt-first")
        return replies.GO_AHEAD, Next.DATA

    async def _rset(self, argument: bytes) -> Answer:
        if argument:
            raise SmtpError(replies.NO_ARGUMENT, "argument")
        await self._reset()
        return replies.OK, Next.COMMAND

    def _under_way(self) -> Envelope:
        if self._envelope is None:
            raise SmtpError(replies.MAIL_FIRST, "mail-first")
        return self._envelope

    async def _reset(self) -> None:
        """The message under way, if any, comes to nothing."""
        self._abandon()
        await self._inside.forget()

    def _abandon(self) -> None:
        envelope, self._envelope = self._envelope, None
        if envelope is not None:
            reply, reason = self._refused
            self._record(envelope, Outcome(reply=reply, refused=reason or "abandoned"))

    # The message.

    async def message(self, data: DataReader, hold: Hold) -> Answer:
        """The message has been read to its end: judge it, and pass it on or refuse it. `hold` is released."""
        envelope, self._envelope = self._under_way(), None
        outcome = Outcome(refused="client-left")
        forwarded = False
        try:
            content = await _content(data)
            outcome.message_bytes = len(content)
            outcome.verdict = await judge(self._office, self._client, envelope, content)
            if outcome.verdict.passes and not self._deliverable(envelope, content):
                raise SmtpError(replies.EIGHTBIT_NOT_INSIDE, "eightbit-not-inside")
            outcome.refused = ""
            if outcome.verdict.passes:
                forwarded = True
                # In a task of its own: a client that leaves cancels us, never a delivery.
                work = self._forward(envelope, content, outcome, hold)
                self._forwarding = True
                return await asyncio.shield(self._office.deliver(work)), Next.COMMAND
            outcome.reply = _refusal(outcome.verdict, envelope.transaction.id)
        except SmtpError as error:
            outcome.reply, outcome.refused = error.reply, error.reason
        finally:
            if not forwarded:
                hold.release()
                self._record(envelope, outcome)
        await self._inside.forget()
        return outcome.reply, Next.CLOSE if outcome.verdict.action is Action.DROP else Next.COMMAND

    def _deliverable(self, envelope: Envelope, content: bytes) -> bool:
        """8-bit data that was declared and cannot be passed on as such is not passed on at all (RFC 6152, 3)."""
        return not envelope.mail.eightbit or self._inside.offer.eightbit or content.isascii()

    async def _forward(self, envelope: Envelope, content: bytes, outcome: Outcome, hold: Hold) -> str:
        """The delivery: runs to its end even when the session is over."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        inside = self._inside
        try:
            head = received(self._hop(envelope), self._office.clock())
            reply = await inside.deliver(envelope.mail, envelope.recipients, head, content)
            outcome.reply = replies.relayed(reply)
            if not reply.positive:
                outcome.refused = "message-refused"
                await inside.forget()
        except PeerError as error:
            inside.abort()
            outcome.reply, outcome.refused = replies.INSIDE_LOST, "upstream-lost"
            name = envelope.place.upstream.name if envelope.place is not None else ""
            self._office.recorder.upstream_failed(name, type(error).__name__)
        finally:
            outcome.upstream_seconds = loop.time() - began
            hold.release()
            self._forwarding = False
            self._record(envelope, outcome)
            if self._closed:
                inside.close()
        return outcome.reply

    def _hop(self, envelope: Envelope) -> Hop:
        client = self._client
        return Hop(
            client.helo,
            client.address,
            self._office.hostname,
            client.extended,
            client.tls,
            envelope.mail.utf8,
            envelope.transaction.id,
        )

    def _record(self, envelope: Envelope, outcome: Outcome) -> None:
        self._office.recorder.message(self._client, envelope, outcome, envelope.set_name)

    async def _connect(self, upstream: Upstream) -> MailClient:
        return await self._office.connect(upstream, self._client)

    def close(self) -> None:
        """The client is gone, or goes. A delivery that has begun closes the inside itself, when it is done."""
        self._closed = True
        self._abandon()
        if not self._forwarding:
            self._inside.close()


async def _content(data: DataReader) -> bytes:
    """The message; a large one is put together in a thread, for others wait for the loop."""
    if data.held <= SLICE:
        return data.message()
    return await asyncio.get_running_loop().run_in_executor(None, data.message)


def _refusal(verdict: Verdict, transaction: str) -> str:
    match verdict.action:
        case Action.DROP:
            return ""
        case Action.DEFER:
            return replies.deferred(transaction)
        case _:
            return replies.denied(transaction)


_VERBS: dict[bytes, Callable[[Session, bytes], Awaitable[Answer]]] = {
    b"EHLO": Session._ehlo,
    b"HELO": Session._helo,
    b"STARTTLS": Session._starttls,
    b"MAIL": Session._mail,
    b"RCPT": Session._rcpt,
    b"DATA": Session._data,
    b"RSET": Session._rset,
    b"NOOP": Session._noop,
    b"QUIT": Session._quit,
    b"VRFY": Session._vrfy,
    b"EXPN": Session._no,
    b"HELP": Session._no,
    b"AUTH": Session._no,
    b"BDAT": Session._no,
    b"TURN": Session._no,
    b"ETRN": Session._no,
}
