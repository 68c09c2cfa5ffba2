"""The reader of JSON bodies: strict RFC 8259, each value an argument named by its path (`json.user.roles.0`).

Invariants: what two JSON parsers could read differently is a ContentError: a key twice in one object, NaN and
Infinity, a byte order mark, invalid UTF-8, lone surrogates, anything after the value; what is said twice or with a
lone surrogate is told all the same, before the error. Depth is limited before the parser (which recurses) sees the
text. Numbers are kept as written and never become Python numbers; `null` is an empty value, as in libmodsecurity 3.
Every string that is itself the text of a JSON object or array is taken apart once more, because applications do so:
its values are derived arguments, and the string itself was one already. That second reading is lenient and says
nothing when it fails: text in braces is not wrong, it is only not JSON, and it has been inspected as the string that
it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NoReturn

from revproxy.content.sink import Sink
from revproxy.content.whole import Whole
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

_NOT_BRACKET = {n: None for n in range(128) if chr(n) not in "[]{}"}
_BLANK = " \t\r\n"
_ELEMENTS = 2
"""Commas and containers allowed for each argument that is."""
_PATH_CHARACTERS = 512
"""Names of values grow with depth: a longer path is told once in full and cut for the values below it."""
_WORDS: dict[object, bytes] = {True: b"true", False: b"false", None: b""}
_OPENERS = (b"{", b"[")
_CLOSERS = (b"}", b"]")

_Pairs = list[tuple[str, object]]


def _constant(_: str) -> object:
    raise ContentError("json_syntax")


def _object(pairs: _Pairs) -> dict[str, object] | tuple[tuple[str, object], ...]:
    """A tuple of pairs where a key comes twice: nothing that is written gets lost."""
    table = dict(pairs)
    return table if len(table) == len(pairs) else tuple(pairs)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=str.encode, parse_float=str.encode, parse_constant=_constant
)


class JsonReader(Whole):
    """One JSON text."""

    __slots__ = ()

    def read(self, data: bytes) -> None:
        """Raises ContentError("json_syntax", "json_utf8", "json_duplicate_key", "json_surrogate"), LimitError."""
        telling = Telling(self.limits, self.sink)
        telling.tell("json", _parse(_text(data), self.limits))
        telling.check()


class JsonLinesReader(Whole):
    """A JSON text on each line (application/x-ndjson); names begin with `json.` and the line's number from 0."""

    __slots__ = ()

    def read(self, data: bytes) -> None:
        """Raises as JsonReader does."""
        telling = Telling(self.limits, self.sink)
        if data.count(b"\n") > self.limits.arguments:
            raise LimitError("arguments", self.limits.arguments)
        for number, line in enumerate(_text(data).split("\n")):
            if line.strip(_BLANK):
                telling.tell(f"json.{number}", _parse(line, self.limits))
        telling.check()


def read_leniently(data: bytes, limits: ContentLimits, sink: Sink) -> None:
    """Tell what there is to tell of a text that may be JSON and was not declared to be. Raises LimitError only."""
    try:
        Telling(limits, sink).tell("json", _parse(_text(data), limits))
    except ContentError:
        return


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ContentError("json_utf8") from None


def _parse(text: str, limits: ContentLimits) -> object:
    _check_size(text, limits)
    if text.startswith("\ufeff"):
        raise ContentError("json_syntax")
    try:
        value: object = _DECODER.decode(text)
    except json.JSONDecodeError:
        raise ContentError("json_syntax") from None
    except RecursionError:
        raise LimitError("json_depth", limits.json_depth) from None
    return value


def _check_size(text: str, limits: ContentLimits) -> None:
    """Depth and number of elements, before the parser makes an object of each: only linear calls, and few."""
    brackets = text.count("[") + text.count("{")
    most = _ELEMENTS * limits.arguments
    if brackets <= limits.json_depth and text.count(",") <= most:
        return
    if "\\" in text:
        text = text.replace("\\\\", "").replace('\\"', "")
    if text.count('"') > 4 * most:
        raise LimitError("arguments", limits.arguments)
    outside = "".join(text.split('"')[::2])
    if outside.count("[") + outside.count("{") + outside.count(",") > most:
        raise LimitError("arguments", limits.arguments)
    _check_depth(outside, limits.json_depth)


def _check_depth(outside: str, most: int) -> None:
    depth = 0
    for bracket in outside.translate(_NOT_BRACKET):
        if bracket in "[{":
            depth += 1
            if depth > most:
                raise LimitError("json_depth", most)
        elif bracket in "]}":
            depth -= 1


class Telling:
    """Walks parsed values and tells the sink about each; counts arguments over all of them."""

    __slots__ = ("_count", "_limits", "_nests", "_sink", "_tell", "_wrong")

    def __init__(self, limits: ContentLimits, sink: Sink) -> None:
        self._limits = limits
        self._sink = sink
        self._tell = sink.argument
        self._nests = sink.derives
        self._count = 0
        self._wrong = ""

    def tell(self, path: str, value: object) -> None:
        """Raises LimitError."""
        try:
            self._items("", ((path, value),))
        except RecursionError:
            raise LimitError("json_depth", self._limits.json_depth) from None

    def check(self) -> None:
        """Raises ContentError("json_duplicate_key", "json_surrogate") where that was told."""
        if self._wrong:
            raise ContentError(self._wrong)

    def _items(self, prefix: str, items: Iterable[tuple[str, object]]) -> None:
        # One frame for each container, none for a value: this loop is where large bodies spend their time.
        tell = self._tell
        for key, value in items:
            name = prefix + key
            if len(name) > _PATH_CHARACTERS:
                name = self._cut(name)
            if isinstance(value, str):
                self._count += 1
                try:
                    content, told = value.encode(), name.encode()
                except UnicodeEncodeError:
                    content, told = self._lone(value), self._lone(name)
                if self._count > self._limits.arguments or len(content) > self._limits.argument_bytes:
                    self._refuse()
                tell(told, content)
                if content[:1] in _OPENERS and content[-1:] in _CLOSERS and self._nests:
                    self._nested(name, value)
            elif isinstance(value, dict):
                self._items(name + ".", value.items())
            elif isinstance(value, tuple):
                self._say("json_duplicate_key")
                self._items(name + ".", value)
            elif isinstance(value, list):
                self._items(name + ".", zip(map(str, range(len(value))), value, strict=True))
            else:
                self._scalar(name, value)

    def _scalar(self, name: str, value: object) -> None:
        self._count += 1
        content = value if isinstance(value, bytes) else _WORDS[value]
        if self._count > self._limits.arguments or len(content) > self._limits.argument_bytes:
            self._refuse()
        self._tell(self._lone(name), content)

    def _lone(self, text: str) -> bytes:
        """UTF-8 of a text, where it has any."""
        try:
            return text.encode()
        except UnicodeEncodeError:
            self._say("json_surrogate")
            return text.encode("utf-8", "surrogatepass")

    def _say(self, reason: str) -> None:
        """What is wrong, if that matters where we are."""
        if self._tell == self._sink.argument:
            self._wrong = self._wrong or reason

    def _nested(self, path: str, text: str) -> None:
        try:
            value = _parse(text, self._limits)
        except (ContentError, LimitError):
            return
        self._tell, self._nests = self._sink.derived, False
        self._items(path + ".", (("json", value),))
        self._tell, self._nests = self._sink.argument, True

    def _cut(self, name: str) -> str:
        self._scalar(name, b"")
        return name[:_PATH_CHARACTERS]

    def _refuse(self) -> NoReturn:
        if self._count > self._limits.arguments:
            raise LimitError("arguments", self._limits.arguments)
        raise LimitError("argument_bytes", self._limits.argument_bytes)
