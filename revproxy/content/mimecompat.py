"""The second reading of a message: the standard library's, with the policy compat32 and bounds that it lacks.

Invariants: depth, parts, lines and lengths of heads are bounded while it parses, through the message class that it
fills (`attach`, `set_raw`, `get_boundary` are where it grows); no charset name of the wire reaches Python's codecs.
Never `email.policy.default`: it takes seconds to minutes for one hostile header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from email import errors as defects
from email.feedparser import BytesFeedParser
from email.message import Message as StdMessage
from email.policy import Policy, compat32

from revproxy.codecs.charset import decode_text
from revproxy.content.mimecoding import codings
from revproxy.content.mimepart import Leaf, all_names, charset_of
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

_LEVELS = 6
"""So deep may a message with all the lines that the limit allows be nested; a shorter one deeper."""

_DECLARE = frozenset({"content-type", "content-transfer-encoding", "content-disposition"})
"""Fields of a part that say what it is."""
_FIELDS = 8
"""Of a field that is repeated, so many are read for names."""

_ORDINARY = re.compile(rb"multi-?part|MIME", re.IGNORECASE)
_ORDINARY_BYTES = 400
"""`This is a multi-part message in MIME format.` is what mail programs write before the first delimiter."""
_UNPARTED = re.compile(rb"^[^;]*?name\*?[ \t]*=[ \t]*\"?([^\";\r\n]{1,255})", re.IGNORECASE)
"""A parameter that no semicolon parts from what stands before it."""

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
    """What the second reader found: `leaves`, header lines of parts, and words for what it had to repair.

    `extra` is what some mail program may see beyond the leaves: parts in their other encodings, names that lax
    readers find (without content), and the text around the parts of a multipart.
    """

    __slots__ = ("extra", "leaves", "part_headers", "words")

    def __init__(self, data: bytes, limits: ContentLimits) -> None:
        """Raises ContentError("mime_unreadable"), LimitError."""
        self.leaves: list[Leaf] = []
        self.extra: list[Leaf] = []
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
            fields = [(name.lower(), value) for name, value in part.raw_items()]
            if part is not root:
                self.part_headers += [_bytes(f"{name}: {value}") for name, value in part.raw_items()]
                declared = [name for name, _ in fields if name in _DECLARE]
                if len(declared) != len(set(declared)):
                    self.words.add(b"duplicate-header")
            if part.is_multipart():
                self._around(part)
            else:
                leaf, *others = _leaves(part, fields)
                self.leaves.append(leaf)
                self.extra += others
            self.words |= {_WORDS.get(type(defect), b"defect") for defect in part.defects}

    def _around(self, part: StdMessage) -> None:
        """Before the first delimiter and after the last: nobody should show it, and some do."""
        for text, word in ((_bytes(part.preamble or ""), b"preamble"), (_bytes(part.epilogue or ""), b"epilogue")):
            if not text.strip(b" \t\r\n"):
                continue
            self.extra.append(Leaf(b"text/plain", (), b"", text))
            if word == b"epilogue" or len(text) > _ORDINARY_BYTES or not _ORDINARY.search(text):
                self.words.add(word)
        delimiter = _bytes("--" + (part.get_boundary() or ""))
        if any(line.startswith(delimiter) for line in _bytes(part.epilogue or "").splitlines()):
            # Programs that go on after the last delimiter see one part more.
            self.words.add(b"part-after-end")


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


def _leaves(part: StdMessage, fields: Sequence[tuple[str, str]]) -> Iterator[Leaf]:
    """The part as most would see it; then as its other transfer encodings have it, and its other names."""
    charset = charset_of(_bytes(str(part.get("content-type", ""))))
    kind = _bytes(part.get_content_type())
    names = all_names(_parameter(part, "filename", "content-disposition"), _parameter(part, "name", "content-type"))
    coded = [_bytes(value) for name, value in fields if name == "content-transfer-encoding"]
    for coding in codings(coded):
        del part["content-transfer-encoding"]
        part["content-transfer-encoding"] = coding.decode("ascii")
        content = part.get_payload(decode=True)
        yield Leaf(kind, names, charset, content if isinstance(content, bytes) else b"")
    others = all_names(*_lax_names(fields))
    if set(others) - set(names):
        yield Leaf(kind, others, charset, b"")


def _lax_names(fields: Sequence[tuple[str, str]]) -> Iterator[bytes]:
    """Each name in each field that may hold one, whichever a program may choose."""
    for header, wanted in (("content-disposition", "filename"), ("content-type", "name")):
        for value in [value for name, value in fields if name == header][:_FIELDS]:
            unparted = _UNPARTED.match(_bytes(value))
            if unparted is not None:
                yield unparted[1].strip(b" \t")
            if wanted not in value.lower():
                continue
            probe = StdMessage()
            probe[header] = value
            for key, found in probe.get_params([], header):
                if key.lower() == wanted:
                    yield _text(found)


def _parameter(part: StdMessage, name: str, header: str) -> bytes:
    return _text(part.get_param(name, "", header))


def _text(value: str | tuple[str | None, str | None, str]) -> bytes:
    """A parameter's value as the library gives it."""
    if isinstance(value, tuple):
        # RFC 2231: charset, language and text, whose bytes the library keeps as Latin-1.
        raw = value[2].encode("latin-1", "replace")
        return decode_text(raw, _bytes(value[0] or "")).encode("utf-8", "replace")
    return _bytes(value)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
