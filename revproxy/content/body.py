"""A body's declared type to the reader that takes it apart.

Invariants: the type is believed only when it is one clean media type (`content.media`); a type without a reader, or
no type at all, is inspected raw, in windows, so that no declaration makes a body invisible. Such a body, as long as
it looks like text, is also read as the JSON, XML or form that it looks like, without complaint where it is none:
there are servers that guess, and applications that read what they expect whatever the client declares.
What does not belong here: Content-Encoding (the caller decodes first), message bodies of mail (`content.mime`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from revproxy.content.guess import GuessingReader
from revproxy.content.jsontext import JsonLinesReader, JsonReader
from revproxy.content.media import MediaType, ascii_charset, parse_media, plain_charset
from revproxy.content.multipart import MultipartReader
from revproxy.content.sink import BodyReader, Sink
from revproxy.content.urlencoded import UrlencodedReader
from revproxy.content.xmltext import XmlReader
from revproxy.errors import ContentError
from revproxy.model import ContentLimits


class Kind(StrEnum):
    """How a body is read; the values are those of the field `body.type`."""

    URLENCODED = "URLENCODED"
    MULTIPART = "MULTIPART"
    JSON = "JSON"
    XML = "XML"
    RAW = "RAW"
    NONE = ""
    """no type declared; a body is then read raw"""


_KINDS: Final[dict[bytes, Kind]] = {
    b"application/x-www-form-urlencoded": Kind.URLENCODED,
    b"multipart/form-data": Kind.MULTIPART,
    b"application/json": Kind.JSON,
    b"text/json": Kind.JSON,
    b"text/x-json": Kind.JSON,
    b"application/csp-report": Kind.JSON,
    b"application/x-ndjson": Kind.JSON,
    b"application/ndjson": Kind.JSON,
    b"application/jsonl": Kind.JSON,
    b"application/xml": Kind.XML,
    b"text/xml": Kind.XML,
}
_LINES: Final = frozenset({b"application/x-ndjson", b"application/ndjson", b"application/jsonl"})


@dataclass(frozen=True, slots=True)
class Declared:
    """How a body is to be read. `error` says why nobody can be sure of it: the body is then read raw."""

    kind: Kind
    media: MediaType
    error: str = ""
    word: bytes = b""
    """The kind as the field `body.type` has it."""


@lru_cache(maxsize=128)
def declared(content_type: bytes, processor: str = "") -> Declared:
    """What a type declares, or `processor` (a name of `Kind`) in its place. Never raises.

    The kind of a type that is no clean media type is what it begins with: somebody may read no more of it.
    """
    media, error = MediaType(b""), ""
    try:
        media = parse_media(content_type) if content_type else media
    except ContentError as caught:
        error = caught.reason
    if processor:
        kind, error = Kind(processor), error if processor == Kind.MULTIPART else ""
    else:
        kind = _beginning(content_type.lower()) if error else _kind(media)
    return Declared(kind, media, error, kind.value.encode("ascii"))


def kind_of(content_type: bytes) -> Kind:
    """The kind of a declared type. Never raises."""
    return declared(content_type).kind


def _beginning(content_type: bytes) -> Kind:
    return next((kind for essence, kind in _KINDS.items() if content_type.startswith(essence)), Kind.RAW)


def _kind(media: MediaType) -> Kind:
    kind = _KINDS.get(media.essence)
    if kind is not None:
        return kind
    if not media.essence:
        return Kind.NONE
    if media.essence.endswith(b"+json"):
        return Kind.JSON
    if media.essence.endswith(b"+xml"):
        return Kind.XML
    return Kind.RAW


def open_body(content_type: bytes, limits: ContentLimits, sink: Sink) -> BodyReader:
    """A reader for a body of this type; an empty type means that none was declared. Raises as `open_declared`."""
    return open_declared(declared(content_type), limits, sink)


def open_declared(what: Declared, limits: ContentLimits, sink: Sink) -> BodyReader:
    """A reader for such a body.

    Raises ContentError: "content_type" (no clean media type), "charset" (one that we would read differently from
    the application), "boundary" (of a multipart body).
    """
    if what.error:
        raise ContentError(what.error)
    _check_charset(what.media, what.kind)
    return _OPENERS[what.kind](what.media, limits, sink)


def open_raw(limits: ContentLimits, sink: Sink) -> BodyReader:
    """A reader for a body that no type describes."""
    return GuessingReader(limits, sink)


def _check_charset(media: MediaType, kind: Kind) -> None:
    charset = media.parameters.get(b"charset")
    known = ascii_charset if kind is Kind.RAW else plain_charset
    if charset is not None and not known(charset):
        raise ContentError("charset")


def _open_raw(media: MediaType, limits: ContentLimits, sink: Sink) -> BodyReader:
    return open_raw(limits, sink)


def _open_json(media: MediaType, limits: ContentLimits, sink: Sink) -> BodyReader:
    return (JsonLinesReader if media.essence in _LINES else JsonReader)(limits, sink)


def _open_urlencoded(media: MediaType, limits: ContentLimits, sink: Sink) -> BodyReader:
    return UrlencodedReader(limits, sink)


def _open_xml(media: MediaType, limits: ContentLimits, sink: Sink) -> BodyReader:
    return XmlReader(limits, sink)


_OPENERS: Final[dict[Kind, Callable[[MediaType, ContentLimits, Sink], BodyReader]]] = {
    Kind.URLENCODED: _open_urlencoded,
    Kind.MULTIPART: MultipartReader,
    Kind.JSON: _open_json,
    Kind.XML: _open_xml,
    Kind.RAW: _open_raw,
    Kind.NONE: _open_raw,
}

__all__ = ["BodyReader", "Declared", "Kind", "Sink", "declared", "kind_of", "open_body", "open_declared", "open_raw"]
