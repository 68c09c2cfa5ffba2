"""The reader of XML bodies: expat, with everything refused that makes XML more than elements and text.

Invariants: no entity but the five that XML has; a document type is refused, once what stands behind it was told; only
UTF-8, UTF-16 and the usual encodings with a byte for each character; depth and number of nodes bounded; namespaces
are not resolved, nothing is ever fetched. An element's text is told when it ends: whole (comments and CDATA borders
do not split it) and, where child elements split it, also piece by piece, because applications read it either way.
Comments and processing instructions count as text. At the end, and before an error, the text of all elements is told
as one.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from revproxy.content.media import plain_charset
from revproxy.content.sink import Sink
from revproxy.content.whole import Whole
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

_BLANK = " \t\r\n"
_ENCODINGS = re.compile(r"(?i)utf-16(?:le|be)?|windows-125[0-8]|iso-8859-(?:[1-9]|1[0-6])|koi8-[ru]", re.ASCII)
"""What a document may be written in besides what is plain: expat reads UTF-16, Python has tables of the others."""
_WIDE = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
"""The byte order marks of UTF-32, which expat takes for those of UTF-16."""


class XmlReader(Whole):
    """One XML document."""

    __slots__ = ()

    def read(self, data: bytes) -> None:
        """Raises ContentError("xml_syntax", "xml_doctype", "xml_encoding"), LimitError("xml_depth", "xml_nodes")."""
        if data[:4] in _WIDE:
            raise ContentError("xml_encoding")
        handlers = _Handlers(self.limits, self.sink)
        try:
            handlers.parser().Parse(data, True)
        except expat.ExpatError:
            raise ContentError("xml_syntax") from None
        finally:
            handlers.finish()
        if handlers.typed:
            raise ContentError("xml_doctype")


def read_xml_leniently(data: bytes, limits: ContentLimits, sink: Sink) -> None:
    """Tell what there is to tell of a body that may be XML and was not declared to be. Raises LimitError only."""
    try:
        XmlReader(limits, sink).read(data)
    except ContentError:
        return


class _Handlers:
    """What expat calls, and the texts of the elements that are open."""

    __slots__ = ("_limits", "_nodes", "_open", "_sink", "_whole", "typed")

    def __init__(self, limits: ContentLimits, sink: Sink) -> None:
        self._limits = limits
        self._sink = sink
        self._nodes = 0
        self.typed = False
        """Whether there is a document type."""
        # For each open element its segments of text; a child element begins a new segment.
        self._open: list[list[list[str]]] = []
        self._whole: list[str] = []

    def parser(self) -> expat.XMLParserType:
        """An expat parser wired to these handlers."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.XmlDeclHandler = self._declaration
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = self._comment
        parser.ProcessingInstructionHandler = self._instruction
        return parser

    def _doctype(self, name: str, system: str | None, public: str | None, subset: int) -> None:
        self.typed = True

    def _entity(self, *declared: object) -> None:
        raise ContentError("xml_doctype")

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is None or _ENCODINGS.fullmatch(encoding):
            return
        if not plain_charset(encoding.encode("utf-8")):
            raise ContentError("xml_encoding")

    def _start(self, name: str, attributes: list[str]) -> None:
        self._count(1 + len(attributes) // 2)
        if len(self._open) >= self._limits.xml_depth:
            raise LimitError("xml_depth", self._limits.xml_depth)
        self._open.append([[]])
        sink = self._sink
        for at in range(0, len(attributes), 2):
            name = attributes[at]
            declares = name.startswith("xmlns") and (name == "xmlns" or name[5] == ":")
            (sink.xml_namespace if declares else sink.xml_attribute)(self._encode(attributes[at + 1]))

    def _end(self, name: str) -> None:
        segments = ["".join(pieces) for pieces in self._open.pop()]
        full = [segment for segment in segments if segment.strip(_BLANK)]
        if full:
            self._tell("".join(segments))
        if len(full) > 1:
            for segment in full:
                self._tell(segment)
        if self._open:
            self._open[-1].append([])

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1][-1].append(text)
            self._whole.append(text)

    def finish(self) -> None:
        """Tell what all elements hold together, if there is an element."""
        if self._nodes:
            self._sink.xml_whole("".join(self._whole).encode())

    def _comment(self, text: str) -> None:
        self._count(1)
        self._tell(text)

    def _instruction(self, target: str, text: str) -> None:
        self._count(1)
        self._tell(f"{target} {text}")

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > self._limits.xml_nodes:
            raise LimitError("xml_nodes", self._limits.xml_nodes)

    def _tell(self, text: str) -> None:
        self._sink.xml_text(self._encode(text))

    def _encode(self, text: str) -> bytes:
        value = text.encode("utf-8")
        if len(value) > self._limits.argument_bytes:
            raise LimitError("argument_bytes", self._limits.argument_bytes)
        return value
