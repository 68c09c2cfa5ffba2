"""The second reading of a message: the standard library's, with the policy compat32 and bounds that it lacks.

Invariants: depth, parts, lines and lengths of heads are bounded while it parses, through the message class that it
fills (`attach`, `set_raw`, `get_boundary` are where it grows); no charset name of the wire reaches Python's codecs.
Never `email.policy.default`: it takes seconds to minutes for one hostile header.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email import errors as defects
from email.feedparser import BytesFeedParser
from email.message import Message as StdMessage
from email.policy import Policy, compat32

from revproxy.codecs.charset import decode_text
from revproxy.content.mimepart import Leaf, all_names, charset_of
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

_LEVELS = 6
"""So deep may a message with all the lines that the limit allows be nested; a shorter one deeper."""

_FAILURES = (AttributeError, LookupError, TypeError, ValueError, AssertionError)
"""What the library raises on input that its authors did not foresee."""

_WORDS: dict[type[Exception], bytes] = {
    defects.NoBoundaryInMultipartDefect: b"no-boundary",
    defects.StartBoundaryNotFoundDefect: b"no-first-delimiter",
    defects.CloseBoundaryNotFoundDefect: b"no-last-delimiter",
    defects.FirstHeaderLineIsContinuationDefect: b"header-syntax",
    defects.MisplacedEnvelopeHeaderDefect: b"header-syntax",
    defects.MissingHeaderBodySeparatorDefect: b"header-syntax",
    defects.MultipartInvariantViolationDefect: b"no-first-delimiter",
    defects.InvalidMultipartContentTransferEncodingDefect: b"multipart-encoding",
    defects.InvalidBase64PaddingDefect: b"base64",
    defects.InvalidBase64CharactersDefect: b"base64",
    defects.InvalidBase64LengthDefect: b"base64",
}


class CompatReading:
    """What the second reader found: `leaves`, header lines of parts, and words for what it had to repair."""

    __slots__ = ("leaves", "part_headers", "words")

    def __init__(self, data: bytes, limits: ContentLimits) -> None:
        """Raises ContentError("mime_unreadable"), LimitError."""
        self.leaves: list[Leaf] = []
        self.part_headers: list[bytes] = []
        self.words: set[bytes] = set()
        lines = data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
        if lines > limits.mime_lines:
            raise LimitError("mime_lines", limits.mime_lines)
        # The library holds each line against the delimiter of every level around it.
        deepest = min(limits.mime_depth, _LEVELS * limits.mime_lines // max(1, lines))
        try:
            self._read(data, replace(limits, mime_depth=deepest))
        except _FAILURES:
            raise ContentError("mime_unreadable") from None
        except RecursionError:
            raise LimitError("mime_depth", limits.mime_depth) from None

    def _read(self, data: bytes, limits: ContentLimits) -> None:
        parser = BytesFeedParser(_factory(limits), policy=compat32)
        parser.feed(data)
        root = parser.close()
        for part in root.walk():
            if part is not root:
                self.part_headers += [_bytes(f"{name}: {value}") for name, value in part.raw_items()]
            if not part.is_multipart():
                self.leaves.append(_leaf(part))
            self.words |= {_WORDS.get(type(defect), b"defect") for defect in part.defects}


class _Bounded(StdMessage):
    """A message that stops the parser when the message grows past its limits."""

    def __init__(self, policy: Policy, limits: ContentLimits) -> None:
        super().__init__(policy)
        self.limits = limits
        self.depth = 0
        self.head_bytes = 0

    def attach(self, payload: StdMessage | str) -> None:
        if isinstance(payload, _Bounded):
            payload.depth = self.depth + 1
            if payload.depth > self.limits.mime_depth:
                raise LimitError("mime_depth", self.limits.mime_depth)
        super().attach(payload)

    def set_raw(self, name: str, value: str) -> None:
        self.head_bytes += len(name) + len(value)
        # Parameters of these are parsed, in more than linear time. Other fields may be as long as a head may.
        if len(value) > self.limits.part_head_bytes and name.lower().startswith("content-"):
            raise LimitError("part_head_bytes", self.limits.part_head_bytes)
        if self.head_bytes > self.limits.message_head_bytes:
            raise LimitError("message_head_bytes", self.limits.message_head_bytes)
        super().set_raw(name, value)


def _factory(limits: ContentLimits) -> Callable[..., _Bounded]:
    made = 0

    def make(policy: Policy = compat32) -> _Bounded:
        nonlocal made
        made += 1
        if made > limits.mime_parts:
            raise LimitError("mime_parts", limits.mime_parts)
        return _Bounded(policy, limits)

    return make


def _leaf(part: StdMessage) -> Leaf:
    declared = _bytes(str(part.get("content-type", "")))
    content = part.get_payload(decode=True)
    names = all_names(_parameter(part, "filename", "content-disposition"), _parameter(part, "name", "content-type"))
    return Leaf(
        _bytes(part.get_content_type()), names, charset_of(declared), content if isinstance(content, bytes) else b""
    )


def _parameter(part: StdMessage, name: str, header: str) -> bytes:
    value = part.get_param(name, "", header)
    if isinstance(value, tuple):
        # RFC 2231: charset, language and text, whose bytes the library keeps as Latin-1.
        raw = value[2].encode("latin-1", "replace")
        return decode_text(raw, _bytes(value[0] or "")).encode("utf-8", "replace")
    return _bytes(value)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
