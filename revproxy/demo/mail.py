"""The demo's internal mail server: takes every message for every recipient and keeps it in memory.

It trusts whoever connects, as many internal servers trust their DMZ: that nothing is relayed through it is the
front end's doing.
"""

from __future__ import annotations

import hashlib
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

_MOST_KEPT = 10_000


class Mailbox:
    """The messages that arrived; an aiosmtpd handler."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.count = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep what is worth showing. The reply is what the sender sees through the front end."""
        content = envelope.content or b""
        data = content.encode("utf-8") if isinstance(content, str) else content
        self.count += 1
        kept = {
            "from": envelope.mail_from,
            "to": list(envelope.rcpt_tos),
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "head": data.partition(b"\r\n\r\n")[0].decode("latin-1")[:4096],
        }
        self.messages = [*self.messages[-_MOST_KEPT + 1 :], kept]
        return f"250 2.0.0 kept as number {self.count}"

    def protocol(self) -> SMTP:
        """A session."""
        return SMTP(self, hostname="inside.example", enable_SMTPUTF8=True, data_size_limit=64 * 1024 * 1024)

    def application(self) -> web.Application:
        """Tells what is in the mailbox, on an address of its own."""
        app = web.Application()
        app.router.add_get("/", self._tell)
        return app

    async def _tell(self, _: web.Request) -> web.Response:
        return web.json_response({"messages": self.count, "last": self.messages[-10:]})
