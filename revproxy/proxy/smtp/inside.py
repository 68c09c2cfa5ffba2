"""Asking the internal server of one message: its recipients while the client waits, then the message.

The connection is opened at the first recipient and kept for the session's next message to the same server. Until
the message itself is on its way, a connection that broke is replaced once and the envelope repeated; after that a
lost reply is a lost reply, and the client is told to come again.

Invariant: a message goes only over a connection that has itself accepted every recipient the client was promised.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import chain

from revproxy.config.settings import Upstream
from revproxy.errors import PeerError, SmtpError, UpstreamError
from revproxy.protocols.smtp import Address, MailFrom, Reply, stuffed
from revproxy.proxy.smtp.replies import UTF8_NOT_INSIDE
from revproxy.proxy.smtp.upstream import MailClient, Offer

Connect = Callable[[Upstream], Awaitable[MailClient]]


class Inside:
    """One connection to the inside and what was said on it."""

    __slots__ = ("_begun", "_client", "_connect", "_dirty", "_taken", "_upstream")

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._client: MailClient | None = None
        self._upstream: Upstream | None = None
        self._begun = False
        """MAIL of the message under way was accepted."""
        self._dirty = False
        """Something was said since the last RSET or message."""
        self._taken = 0
        """Recipients of the message under way that this very connection has accepted."""

    @property
    def offer(self) -> Offer:
        """What the server offered; nothing before a recipient was asked for."""
        return self._client.offer if self._client is not None else Offer()

    async def ask(self, upstream: Upstream, mail: MailFrom, recipient: Address) -> Reply:
        """RCPT, after MAIL where that is still to be said: the reply to the first that failed, or RCPT's.

        PeerError when there is no reply; SmtpError when the server cannot take such a message at all.
        """
        if self._upstream is not upstream:
            self.close()
        if self._begun:
            return await self._recipient(recipient)
        kept = self._client is not None
        try:
            return await self._begin(upstream, mail, recipient)
        except PeerError:
            self.abort()
            if not kept:
                raise
            # The server had closed a connection that lay idle between two messages.
            return await self._begin(upstream, mail, recipient)

    async def _begin(self, upstream: Upstream, mail: MailFrom, recipient: Address) -> Reply:
        client = self._client
        if client is None:
            client = self._client = await self._connect(upstream)
            self._upstream = upstream
        elif self._dirty:
            await _reset(client)
        if mail.utf8 and not client.offer.utf8:
            raise SmtpError(UTF8_NOT_INSIDE, "utf8-not-inside")
        self._dirty, self._taken = True, 0
        lines = (_mail_line(mail, client.offer), _rcpt_line(recipient))
        if client.offer.pipelining:
            begun, asked = await client.ask(*lines)
        else:
            (begun,) = await client.ask(lines[0])
        self._begun = _checked(begun).positive
        if not self._begun:
            return begun
        return self._counted(asked) if client.offer.pipelining else await self._recipient(recipient)

    async def _recipient(self, recipient: Address) -> Reply:
        """RCPT for one more."""
        if self._client is None:
            raise UpstreamError("no-connection")
        (reply,) = await self._client.ask(_rcpt_line(recipient))
        return self._counted(reply)

    def _counted(self, reply: Reply) -> Reply:
        """A reply to RCPT, remembered."""
        self._taken += _checked(reply).positive
        return reply

    async def deliver(self, mail: MailFrom, recipients: Sequence[Address], head: bytes, message: bytes) -> Reply:
        """DATA, the message behind `head`, and the server's own answer. PeerError when it was lost."""
        client = await self._open_data(mail, recipients)
        if isinstance(client, Reply):
            return client
        reply = await client.send_message(chain((head,), stuffed(message)))
        self._begun = self._dirty = False
        return _checked(reply)

    async def _open_data(self, mail: MailFrom, recipients: Sequence[Address]) -> MailClient | Reply:
        """The connection behind a 354, or the reply that stood in its way."""
        upstream = self._upstream
        if upstream is None:
            raise UpstreamError("no-connection")
        try:
            # A connection that was replaced between two recipients knows only those asked for since.
            if self._client is None or self._taken != len(recipients):
                raise UpstreamError("no-connection")
            (reply,) = await self._client.ask(b"DATA")
            # 421: it closes, most likely for idleness while the client was sending.
            if reply.code == 421:
                raise UpstreamError("closing")
        except PeerError:
            self.abort()
            reply = await self._again(upstream, mail, recipients)
        client = self._client
        if client is None:
            raise UpstreamError("no-connection")
        if reply.code == 354:
            return client
        if reply.positive:
            raise UpstreamError("reply-code")
        return _checked(reply)

    async def _again(self, upstream: Upstream, mail: MailFrom, recipients: Sequence[Address]) -> Reply:
        """Envelope and DATA once more on a new connection: nothing of the message was sent yet."""
        for recipient in recipients:
            reply = await self.ask(upstream, mail, recipient)
            if not reply.positive:
                raise UpstreamError("envelope-changed")
        if self._client is None or self._taken != len(recipients):
            raise UpstreamError("no-connection")
        (reply,) = await self._client.ask(b"DATA")
        return reply

    async def forget(self) -> None:
        """The message comes to nothing: RSET. Never raises; a connection that fails is closed."""
        self._begun = False
        if self._client is None or not self._dirty:
            return
        try:
            await _reset(self._client)
            self._dirty = False
        except PeerError:
            self.abort()

    def close(self) -> None:
        """End the connection politely."""
        if self._client is not None:
            self._client.quit()
        self._client, self._begun, self._dirty = None, False, False

    def abort(self) -> None:
        """End it at once: it is in an unknown state."""
        if self._client is not None:
            self._client.abort()
        self._client, self._begun, self._dirty = None, False, False


async def _reset(client: MailClient) -> None:
    (reply,) = await client.ask(b"RSET")
    if not reply.positive:
        raise UpstreamError("rset-refused")


def _checked(reply: Reply) -> Reply:
    """A reply that closes the connection, or is no answer at all, is a failure of the server's."""
    if reply.code == 421 or 300 <= reply.code < 400:
        raise UpstreamError("reply-code")
    return reply


def _mail_line(mail: MailFrom, offer: Offer) -> bytes:
    line = b"MAIL FROM:<%b>" % bytes(mail.sender)
    if mail.size and offer.size:
        line += b" SIZE=%d" % mail.size
    if mail.eightbit and offer.eightbit:
        line += b" BODY=8BITMIME"
    if mail.utf8 and offer.utf8:
        line += b" SMTPUTF8"
    return line


def _rcpt_line(recipient: Address) -> bytes:
    return b"RCPT TO:<%b>" % bytes(recipient)
