"""The steps of an exchange on the way out that wait for nothing: the fields of an answer, and what inspection sees of
its body."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from typing import Final

from revproxy.codecs.compression import Inflater
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits, Phase, Transaction
from revproxy.protocols.http1 import ResponseHead
from revproxy.proxy.http.fields import fill_reply_body, fill_reply_head
from revproxy.proxy.http.headers import outside, relocated
from revproxy.proxy.http.judging import Judge
from revproxy.proxy.http.message import Client, Line, Request
from revproxy.proxy.http.reading import codings

_TEXTS: Final = frozenset(
    {
        b"application/json",
        b"application/xml",
        b"application/xhtml+xml",
        b"application/problem+json",
        b"text/html",
        b"text/plain",
        b"text/xml",
        b"",
    }
)
"""Types whose bodies are inspected: where error messages, listings and the output of a shell show up."""
_SLICE_BYTES: Final = 64
"""An answer that is broken, or too long decoded, is seen up to the slice in which that showed."""
_BODY_FIELDS: Final = frozenset({"reply.body", "reply.length", "outbound.incomplete"})
_LOCATIONS: Final = frozenset({b"location", b"content-location", b"refresh"})


def outgoing_fields(head: ResponseHead, origin: bytes, request: Request, client: Client) -> list[Line]:
    """The fields of an answer as the client gets them, less those that drivers leave out."""
    fields = outside(head.fields, head.names, head.connection)
    return fields if _LOCATIONS.isdisjoint(head.first) else relocated(fields, origin, request, client)


def begin_judging(head: ResponseHead, transaction: Transaction, judge: Judge) -> bool:
    """Fill the fields of a head; whether the body is to be looked at as well."""
    fill_reply_head(transaction.fields, head, judge.wanted)
    return is_text(head) and transaction.controls.reply_body_access and not _BODY_FIELDS.isdisjoint(judge.wanted)


def judge_whole(
    held: bytes, head: ResponseHead, transaction: Transaction, judge: Judge, limits: ContentLimits
) -> Awaitable[None] | None:
    """Judge an answer that is all there, head and body at once (`Judge.start`)."""
    if begin_judging(head, transaction, judge):
        return judge_body(Phase.REPLY_HEAD, held, True, head, judge, limits)
    return judge.start(Phase.REPLY_HEAD, Phase.REPLY_BODY)


def judge_body(
    first: Phase, held: bytes, complete: bool, head: ResponseHead, judge: Judge, limits: ContentLimits
) -> Awaitable[None] | None:
    """Judge phases from `first` on with the body, or what is held of it (`Judge.start`)."""
    plain = _plain(head, held, limits) if held else held
    fill_reply_body(judge.transaction.fields, plain, complete, judge.wanted)
    return judge.start(first, Phase.REPLY_BODY, len(plain))


def _media_type(value: bytes) -> bytes:
    return value.partition(b";")[0].strip(b" \t").lower()


def is_text(head: ResponseHead) -> bool:
    """Whether the body of an answer is of a type that is inspected: of several types, whether one of them is."""
    if len(head.first) == len(head.names):
        return _media_type(head.first.get(b"content-type", b"")) in _TEXTS
    lines = zip(head.names, head.fields, strict=True)
    types = [_media_type(value) for name, (_, value) in lines if name == b"content-type"]
    return not types or not _TEXTS.isdisjoint(types)


def _plain(head: ResponseHead, held: bytes, limits: ContentLimits) -> bytes:
    """What a browser would see, as far as it can be decoded; the bytes as they are where it cannot at all."""
    coding = codings(head).lower()
    if coding in (b"", b"identity"):
        return held
    name, most = coding.decode("latin-1"), limits.argument_bytes
    with suppress(ContentError, LimitError):
        return Inflater(name, most, limits.inflate_ratio).feed(held) or held
    plain = []
    with suppress(ContentError, LimitError):
        inflater = Inflater(name, most, limits.inflate_ratio)
        for at in range(0, len(held), _SLICE_BYTES):
            plain.append(inflater.feed(held[at : at + _SLICE_BYTES]))
    return b"".join(plain) or held
