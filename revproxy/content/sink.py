"""What readers of bodies are, and what they tell.

Invariant: a reader tells its sink everything that it found before it raises, and hands over what it did not tell
(`unread`), so that every byte of a body that breaks its type is inspected.
What does not belong here: what a sink does with what it is told (`proxy/http/fields.py`).
"""

from __future__ import annotations

from typing import Protocol


class Sink(Protocol):
    """Takes what a reader finds, in the order of the body. All values are bytes, decoded."""

    @property
    def derives(self) -> bool:
        """Whether `derived` does anything: if not, nobody need look for what is derived."""

    def argument(self, name: bytes, value: bytes) -> None:
        """A named text value: a form field, a JSON value."""

    def form(self, names: list[bytes], values: list[bytes]) -> None:
        """All fields of a form, as `argument`. The sink may keep the lists."""

    def derived(self, name: bytes, value: bytes) -> None:
        """What some servers take for an argument although the body does not declare it as one."""

    def xml_text(self, value: bytes) -> None:
        """Text of an element, a comment or a processing instruction."""

    def xml_whole(self, value: bytes) -> None:
        """Text of all elements together, once for a document."""

    def xml_attribute(self, value: bytes) -> None:
        """The value of an attribute."""

    def xml_namespace(self, value: bytes) -> None:
        """The value of an attribute that declares a namespace, or that stands where no XML was declared."""

    def part(self, field: bytes, filename: bytes | None) -> None:
        """A part for form field `field` begins; `filename` is as written, None where there is none."""

    def part_header(self, field: bytes, line: bytes) -> None:
        """One header line of the multipart part for form field `field`, without its CRLF."""

    def file(self, field: bytes, filename: bytes, content_type: bytes) -> None:
        """A file part begins; its content follows in `window` calls under `filename`."""

    def file_size(self, field: bytes, size: int) -> None:
        """A file that has a name ended after so many bytes."""

    def flaw(self, reason: str) -> None:
        """The body can be read, and others may read it differently: why, in a short word. Told for each one."""

    def window(self, name: bytes, data: bytes) -> None:
        """A piece of a file's content, or of a raw body's (then `name` is empty).

        At most `window_bytes` long; it begins with the last `window_overlap_bytes` of the piece before it.
        """


class Aside:
    """A sink for what is read where nothing declares it: `sink` takes it for derived."""

    def __init__(self, sink: Sink) -> None:
        self.derives = sink.derives
        self.argument = self.derived = sink.derived
        self._sink = sink
        self.xml_text = sink.xml_text
        self.xml_attribute = self.xml_namespace = sink.xml_namespace

    def form(self, names: list[bytes], values: list[bytes]) -> None:
        for name, value in zip(names, values, strict=True):
            self._sink.derived(name, value)

    def xml_whole(self, value: bytes) -> None:
        """Told piece by piece already."""

    def part(self, field: bytes, filename: bytes | None) -> None:
        """Parts are read where they are declared only."""

    def part_header(self, field: bytes, line: bytes) -> None:
        """As `part`."""

    def file(self, field: bytes, filename: bytes, content_type: bytes) -> None:
        """As `part`."""

    def file_size(self, field: bytes, size: int) -> None:
        """As `part`."""

    def flaw(self, reason: str) -> None:
        """What nothing declares has none."""

    def window(self, name: bytes, data: bytes) -> None:
        """As `part`."""


class BodyReader(Protocol):
    """A push parser of one body."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises ContentError and LimitError; the reader is of no use afterwards."""

    def finish(self) -> None:
        """The body is complete. Raises ContentError and LimitError."""

    def unread(self) -> bytes:
        """After a ContentError, once: what the reader was fed and did not tell, for inspection as it stands."""
