"""A message's verdict: its fields filled, its inspectors asked. Fails closed: what cannot be read is said so to the
rules (`body.error`), and an inspection that breaks has a verdict of its own (`inspection`)."""

from __future__ import annotations

import asyncio

from revproxy.errors import ContentError, LimitError, SmtpError
from revproxy.inspection.aside import aside
from revproxy.model import ALLOWED, Phase, Verdict
from revproxy.proxy.smtp.envelope import Client, Envelope
from revproxy.proxy.smtp.fields import fill_envelope
from revproxy.proxy.smtp.office import Office
from revproxy.proxy.smtp.replies import UNREADABLE

ON_LOOP_BYTES = 32 * 1024
"""Larger messages are taken apart in a thread: the loop is never held for long."""

_READERS = aside(2, "mime")


async def judge(office: Office, client: Client, envelope: Envelope, content: bytes) -> Verdict:
    """The verdict on envelope and message at once: mail is not answered before its end anyway.

    Raises SmtpError for a message that cannot be taken apart, where verdicts are enforced.
    """
    place = envelope.place
    if place is None:
        return ALLOWED
    policy = office.policies[place.mode]
    if not policy.inspects:
        return ALLOWED
    inspection, shadow = office.inspection, office.shadow
    envelope.set_name = inspection.set_name
    loop = asyncio.get_running_loop()
    began = loop.time()
    transaction, limits = envelope.transaction, office.limits.content
    transaction.excluded = place.excluded
    fill_envelope(
        transaction.fields,
        client.address.encode("ascii"),
        client.helo,
        bytes(envelope.mail.sender),
        [bytes(r) for r in envelope.recipients],
    )
    try:
        if len(content) <= ON_LOOP_BYTES:
            office.fill(transaction.fields, content, limits)
        else:
            await loop.run_in_executor(_READERS, office.fill, transaction.fields, content, limits)
    except (ContentError, LimitError) as error:
        # What nobody can take apart is not passed on as if it had been inspected.
        if policy.enforces:
            reason = error.reason if isinstance(error, ContentError) else error.limit
            raise SmtpError(UNREADABLE, reason) from error
    if shadow is not None:
        envelope.tape = shadow.begin(transaction, policy, envelope.domain)
    verdict = await inspection.inspect(transaction, Phase.HEAD, Phase.BODY, policy, len(content))
    if envelope.tape is not None:
        envelope.tape.note(Phase.HEAD, Phase.BODY, len(content))
    office.recorder.inspected(loop.time() - began)
    return verdict
