"""One request body being taken apart: decoded, read as its type says, and gathered for the fields of phase BODY.

A body that breaks its declared type is not repaired: the reason becomes `body.error`, and from the place that broke
it its bytes are read as a body that no type describes. What rules that know arguments only can see of it is in
`content.salvage`. Nothing is judged here.
"""

from __future__ import annotations

from typing import Final

from revproxy.codecs.compression import Inflater
from revproxy.content.arguments import broken_escapes
from revproxy.content.body import Kind, declared, open_declared, open_raw
from revproxy.content.flaws import FLAWED, flaws_of_break, flaws_of_type
from revproxy.content.guess import may_have_structure, read_structure
from revproxy.content.salvage import salvage
from revproxy.content.windows import Windows
from revproxy.errors import ContentError
from revproxy.model import UNTOUCHED, ContentLimits, Controls, Fields
from revproxy.protocols.http1 import ResponseHead
from revproxy.proxy.http.collector import Collector
from revproxy.proxy.http.fields import WHOLE, fill_whole
from revproxy.proxy.http.message import Request

_IDENTITY: Final = (b"", b"identity")
_UNREAD: Final = frozenset({Kind.RAW, Kind.NONE})
"""Bodies that are not taken apart."""
_FLOWING: Final = _UNREAD | {Kind.MULTIPART}
"""Bodies that can be judged before their end; the others are read whole, and are small."""
_AS_IT_IS: Final = WHOLE | {"body.raw"}
"""Fields with the body as it is."""
_SALVAGED: Final = frozenset({"args.plain", "files.plain"})
"""Fields of rules that know nothing of windows, nor of what is derived."""


class Raw:
    """The body as it is, a window at a time."""

    __slots__ = ("_flowing", "_waiting", "_windows")

    def __init__(self, limits: ContentLimits, flowing: bool) -> None:
        self._windows = Windows(b"", limits, self)
        self._flowing = flowing
        self._waiting: list[bytes] = []

    def window(self, name: bytes, data: bytes) -> None:
        """One more."""
        self._waiting.append(data)

    def feed(self, data: bytes) -> None:
        """Bytes that are to become windows."""
        self._windows.feed(data)

    def finish(self) -> None:
        """There are no more."""
        self._windows.finish()

    def ready(self) -> list[bytes]:
        """Windows to judge now: all of a body whose pieces go on at once, of any other all but the newest."""
        kept = [] if self._flowing else self._waiting[-1:]
        ready, self._waiting = self._waiting[: len(self._waiting) - len(kept)], kept
        return ready

    @property
    def pending(self) -> bool:
        """Whether any is to be judged now."""
        return len(self._waiting) > (0 if self._flowing else 1)

    def last(self) -> bytes | None:
        """The window that is judged together with all that was gathered: usually all of the body."""
        return self._waiting[-1] if self._waiting else None


class _AtOnce:
    """A raw body in windows that do not wait until they are full: each piece, after the end of the one before.

    One that begins like JSON or XML is kept as well, up to `structured_bytes`: its escapes are undone at its end, and
    until then nothing of it may go on.
    """

    def __init__(self, limits: ContentLimits, collector: Collector, raw: Raw | None) -> None:
        self._collector = collector
        self._raw = raw
        self._overlap = limits.window_overlap_bytes
        self._step = max(1, limits.window_bytes - limits.window_overlap_bytes)
        self._tail = b""
        self._limits = limits
        self._kept: bytearray | None = bytearray() if collector.derives else None

    @property
    def holds(self) -> bool:
        """Whether what came so far must wait for the end."""
        return self._kept is not None

    def feed(self, data: bytes) -> None:
        if self._kept is not None:
            self._kept += data
            if len(self._kept) > self._limits.structured_bytes or not may_have_structure(self._kept):
                self._kept = None
        for at in range(0, len(data), self._step):
            window = self._tail + data[at : at + self._step]
            self._collector.window(b"", window)
            if self._raw is not None:
                self._raw.window(b"", window)
            self._tail = window[-self._overlap :] if self._overlap else b""

    def finish(self) -> None:
        """Raises LimitError."""
        self._tail = b""
        if self._kept:
            read_structure(bytes(self._kept), self._limits, self._collector)

    def unread(self) -> bytes:
        return b""


class Reading:
    """One body being taken apart. `feed` and `finish` never raise for what the body contains."""

    def __init__(
        self,
        request: Request,
        limits: ContentLimits,
        most: int,
        wanted: frozenset[str],
        controls: Controls = UNTOUCHED,
        flowing: bool = False,
    ) -> None:
        """`most` bounds the decoded size; `flowing` when its pieces go on before the end.

        Raises ContentError("bad_encoding") for a coding that we cannot read.
        """
        self.collector = Collector(wanted)
        self.size = 0
        self._request = request
        self._limits = limits
        self._wanted = wanted
        self._inflater = _inflater_of(request, most, limits)
        self._type = request.get(b"content-type") or b""
        self._declared = declared(self._type, controls.body_processor)
        self._flaws: frozenset[str] = frozenset()
        self._rest: bytearray | None = None
        """What came since the body broke, up to `structured_bytes`."""
        self._form: list[bytes] | None = [] if "args.error" in wanted and self.kind is Kind.URLENCODED else None
        self.raw: Raw | None = None
        flows = flowing and self._inflater is None and self.kind in _UNREAD
        if not _AS_IT_IS.isdisjoint(wanted) and (self.kind is not Kind.XML or controls.force_body):
            self.raw = Raw(limits, flows)
        try:
            self._reader = open_declared(self._declared, limits, self.collector)
        except ContentError as error:
            self._reader = open_raw(limits, self.collector)
            self._note(error.reason, b"")
        self._flowing: _AtOnce | None = None
        if flows:
            self._reader = self._flowing = _AtOnce(limits, self.collector, self.raw)

    @property
    def error(self) -> str:
        """Why the body breaks its type, or why others may read it differently; nothing if neither."""
        return self.collector.error

    @property
    def kind(self) -> Kind:
        """How the body is read, as long as it lets itself be read so."""
        return self._declared.kind

    @property
    def at_once(self) -> bool:
        """Each piece is in a window before the next one comes, and nothing waits for the end."""
        return self._flowing is not None and not self._flowing.holds

    @property
    def waits(self) -> bool:
        """All pieces so far wait for the end: together they may be a text of structure."""
        return self._flowing is not None and self._flowing.holds

    @property
    def pending(self) -> bool:
        """Whether there are windows to be judged before all else is."""
        return bool(self.collector.windows) or (self.raw is not None and self.raw.pending)

    def feed(self, data: bytes) -> None:
        """Take the next bytes as they came. Raises LimitError, and ContentError for a broken content coding."""
        if self._inflater is not None:
            data = self._inflater.feed(data)
        self.size += len(data)
        if self.raw is not None and self._flowing is None:
            self.raw.feed(data)
        if self._form is not None:
            self._form.append(data)
        if self._rest is not None and len(self._rest) < self._limits.structured_bytes:
            self._rest += data[: self._limits.structured_bytes - len(self._rest)]
        try:
            self._reader.feed(data)
        except ContentError as error:
            self._break(error)

    def finish(self) -> None:
        """The body is complete. Raises as `feed`."""
        if self._inflater is not None:
            self._inflater.finish()
        try:
            self._reader.finish()
        except ContentError as error:
            self._break(error)
            self._reader.finish()
        if self._rest and not _SALVAGED.isdisjoint(self._wanted):
            salvage(self.kind, bytes(self._rest), self._limits, self.collector)
        if self.raw is not None:
            self.raw.finish()

    def _break(self, error: ContentError) -> None:
        """From here on, and from where the reader got stuck, the body is read as one that no type describes."""
        rest = self._reader.unread()
        self._note(error.reason, rest)
        self._reader = open_raw(self._limits, self.collector)
        self._reader.feed(rest)

    def _note(self, reason: str, rest: bytes) -> None:
        """The body broke for this reason, before `rest`."""
        self.collector.flaw(reason)
        self._rest = bytearray(rest)
        if self.kind is Kind.MULTIPART:
            boundary = self._declared.media.parameters.get(b"boundary", b"")
            self._flaws |= flaws_of_break(reason, rest, boundary)
        if self.raw is None and not _AS_IT_IS.isdisjoint(self._wanted):
            self.raw = Raw(self._limits, False)
            self.raw.feed(rest)

    def fill(self, fields: Fields) -> None:
        """Put what was found into the fields of phase BODY."""
        wanted = self._wanted
        self.collector.fill(fields)
        for name, value in (
            ("body.type", self._declared.word),
            ("body.length", b"%d" % self.size),
            ("body.failed", b"1" if self.error else b"0"),
            ("inbound.incomplete", b"0"),
        ):
            if name in wanted:
                fields.put(name, (value,))
        if self.error and "body.error" in wanted:
            fields.put("body.error", (self.error.encode("ascii"),))
        if self._form is not None and broken_escapes(b"".join(self._form)):
            fields.put("args.error", (b"1",))
        if self.kind is Kind.MULTIPART:
            flaws = self._flaws | (FLAWED if self.error else frozenset()) | flaws_of_type(self._type)
            self.collector.fill_flaws(fields, flaws)
        self._fill_raw(fields)

    def _fill_raw(self, fields: Fields) -> None:
        wanted = self._wanted
        last = self.raw.last() if self.raw is not None else None
        if last is not None and "body.raw" in wanted:
            fields.put("body.raw", (last,))
        if not WHOLE.isdisjoint(wanted):
            fill_whole(fields, self._request, last or b"", self.size, wanted)


def flows(request: Request) -> bool:
    """Whether a body can be judged as it flows."""
    return declared(request.get(b"content-type") or b"").kind in _FLOWING


def codings(message: Request | ResponseHead) -> bytes:
    """What all Content-Encoding fields say, as one list (RFC 9110 5.3): whoever decodes reads all of them."""
    if message.get(b"content-encoding") is None:
        return b""
    lines = zip(message.names, message.fields, strict=True)
    return b",".join(value for name, (_, value) in lines if name == b"content-encoding")


def _inflater_of(request: Request, most: int, limits: ContentLimits) -> Inflater | None:
    coding = codings(request).lower()
    if coding in _IDENTITY:
        return None
    return Inflater(coding.decode("latin-1"), most, limits.inflate_ratio)
