"""The bytes of one file as lines: physical ones to show, logical ones to read.

A file is bytes. It is read as Latin-1, one character for each byte, so that a pattern keeps exactly the bytes that
its author saved, whatever the encoding; where a line is shown, or a column counted, it is UTF-8 if it can be.

A logical line is a physical one with those that a backslash at its end joins to it. The blanks that begin a
continuation line are dropped, as in Coraza; an empty line ends a directive. Lines that the known engines do not read
alike are refused: a comment inside a directive, a comment that ends in a backslash, blanks after a backslash.

What the words of a line mean does not belong here.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from difflib import get_close_matches

from revproxy.detection.seclang.tree import Notice, Text
from revproxy.errors import LocatedError, Location, RuleError, together

SOURCE_BYTES = 16 * 1024 * 1024
"""Largest file of rules."""
LINE_BYTES = 1024 * 1024
"""Longest logical line."""
SHOWN_BYTES = 16 * 1024
"""Longest line that is shown with an error."""
ERRORS = 100
"""So many errors are reported."""
NOTICES = 1000
"""So many notices are kept."""
_WORD = 48
"""No hint is sought for a longer word: seeking costs the square of its length. Nor is more of it shown."""
_BLANKS = " \t"
_WIDE_END = re.compile(r"[\x80-\xff](?=[\x00-\x7f])")


def near(word: str, known: dict[str, str]) -> str:
    """A hint for a misspelt word, or nothing. `known` maps lower case to the right spelling."""
    close = get_close_matches(word.lower(), known, n=1, cutoff=0.7) if len(word) <= _WORD else []
    return f"did you mean `{known[close[0]]}`?" if close else ""


def shown(word: str | bytes) -> str:
    """A word of a file for a message: as UTF-8 if it can be, not too long."""
    raw = word.encode("latin-1") if isinstance(word, str) else word
    text = raw.decode("utf-8" if _utf8(raw) else "latin-1")
    return text if len(text) <= _WORD else f"{text[:_WORD]}..."


class Source:
    """One file. `rows` are its physical lines as Latin-1, without their ends."""

    def __init__(self, text: bytes, file: str) -> None:
        text = text.removeprefix(b"\xef\xbb\xbf")
        self.file = file
        self.rows = [row.rstrip("\r") for row in text.decode("latin-1").split("\n")]
        self._plain = text.isascii()
        self._wide: dict[int, list[int] | None] = {}

    def location(self, row: int, offset: int) -> Location:
        """The place of the byte at `offset` of a row; rows count from 0 here."""
        if not self._plain:
            offset -= bisect_right(self._tails(row), offset)
        return Location(self.file, row + 1, offset + 1)

    def shown(self, line: int) -> str:
        """A line to show, which counts from 1; nothing when there is none, or one that nobody could look at."""
        if not 0 < line <= len(self.rows) or len(self.rows[line - 1]) > SHOWN_BYTES:
            return ""
        raw = self.rows[line - 1].encode("latin-1")
        return raw.decode("latin-1" if self._tails(line - 1) == [] else "utf-8")

    def _tails(self, row: int) -> list[int]:
        """Where the bytes stand that continue a UTF-8 character; none in a row that is not UTF-8."""
        tails = self._wide.get(row)
        if tails is None:
            raw = self.rows[row].encode("latin-1") if row < len(self.rows) else b""
            tails = [i for i, byte in enumerate(raw) if byte & 0xC0 == 0x80] if _utf8(raw) else []
            self._wide[row] = tails
        return tails


def _utf8(raw: bytes) -> bool:
    if raw.isascii():
        return False
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


class Log:
    """Errors and notices of all files of one reading. Nothing raises before `check`, so that one pass finds all."""

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}
        self.errors: list[LocatedError] = []
        self.notices: list[Notice] = []

    @property
    def full(self) -> bool:
        """Whether there are so many errors that reading on is of no use."""
        return len(self.errors) >= ERRORS

    def wrong(self, where: Location, message: str, hint: str = "") -> None:
        """Note an error."""
        if not self.full:
            self.errors.append(self.error(where, message, hint))

    def error(self, where: Location, message: str, hint: str = "") -> RuleError:
        """An error that shows its line."""
        source = self.sources.get(where.file)
        return RuleError(message, where, source.shown(where.line) if source else "", hint)

    def note(self, where: Location, message: str) -> None:
        """Note something that is taken but has no effect."""
        if len(self.notices) < NOTICES:
            self.notices.append(Notice(message, where))

    def check(self) -> None:
        """Raise what was found: RuleError when it is one, ManyErrors when there are several."""
        if self.errors:
            raise together(self.errors)


class Line:
    """A logical line. Offsets are into `text`; `block` are the physical lines between the backticks of a dataset."""

    __slots__ = ("_offsets", "_places", "block", "source", "text")

    def __init__(self, source: Source, pieces: list[tuple[int, int, str]]) -> None:
        """`pieces` are (row, offset in the row, text)."""
        self.source = source
        self.text = pieces[0][2] if len(pieces) == 1 else "".join(text for _, _, text in pieces)
        self.block: tuple[Text, ...] = ()
        self._places = [(row, offset) for row, offset, _ in pieces]
        self._offsets = [0]
        for _, _, text in pieces[:-1]:
            self._offsets.append(self._offsets[-1] + len(text))

    def at(self, offset: int) -> Location:
        """The place of a character."""
        index = bisect_right(self._offsets, offset) - 1
        row, column = self._places[index]
        return self.source.location(row, column + offset - self._offsets[index])

    def cut(self, start: int, end: int, unescaped: str = "") -> Text:
        """The text from `start` to `end`. Characters of `unescaped` lose the backslash before them."""
        piece = self.text[start:end]
        dropped: list[int] = []
        if unescaped and "\\" in piece:
            piece, dropped = _unescape(piece, unescaped)
        points = set(dropped)
        if not piece.isascii():
            points.update(match.end() for match in _WIDE_END.finditer(piece))
        if len(self._offsets) > 1:
            # A joint stands further left in the value by the backslashes that were dropped before it.
            raw = [start + offset + index + 1 for index, offset in enumerate(dropped)]
            inside = self._offsets[bisect_right(self._offsets, start) : bisect_left(self._offsets, end)]
            points.update(joint - start - bisect_left(raw, joint) for joint in inside)
        breaks = tuple((point, self.at(start + point + bisect_right(dropped, point))) for point in sorted(points))
        first = start + 1 if dropped and not dropped[0] else start
        return Text(piece.encode("latin-1"), self.at(first), breaks)


def _unescape(piece: str, unescaped: str) -> tuple[str, list[int]]:
    """Drop the backslash before characters of `unescaped`: what is left, and the offsets in it where one was.

    A backslash after a backslash escapes nothing.
    """
    kept: list[str] = []
    dropped: list[int] = []
    begin = length = 0
    index = piece.find("\\")
    while index != -1:
        if index + 1 < len(piece) and piece[index + 1] in unescaped:
            kept.append(piece[begin:index])
            length += index - begin
            begin = index + 1
            dropped.append(length)
        index = piece.find("\\", index + 2)
    kept.append(piece[begin:])
    return "".join(kept), dropped


def logical_lines(source: Source, log: Log) -> Iterator[Line]:
    """The logical lines that are neither empty nor comments, in order."""
    if sum(map(len, source.rows)) > SOURCE_BYTES:
        log.wrong(Location(source.file), f"the file is larger than {SOURCE_BYTES} bytes")
        return
    row = 0
    while row < len(source.rows):
        bare = source.rows[row].strip(_BLANKS)
        if bare.startswith("#"):
            _comment(source, row, log)
            row += 1
        elif not bare:
            row += 1
        else:
            line, row = _gather(source, row, log)
            if line is not None and line.text.strip(_BLANKS):
                yield line


def _comment(source: Source, row: int, log: Log) -> None:
    text = source.rows[row]
    after = source.rows[row + 1].strip(_BLANKS) if row + 1 < len(source.rows) else ""
    if text.endswith("\\") and after and not after.startswith("#"):
        message = "a comment does not go on after a backslash here, in ModSecurity it does"
        hint = "put # before the next line too, or take the backslash away"
        log.wrong(source.location(row, len(text) - 1), message, hint)


def _gather(source: Source, row: int, log: Log) -> tuple[Line | None, int]:
    """The logical line that begins at a row, and the row after it."""
    pieces: list[tuple[int, int, str]] = []
    length = 0
    more = True
    while more and row < len(source.rows):
        text = source.rows[row]
        bare = text.lstrip(_BLANKS)
        if not bare:
            break
        if pieces and bare.startswith("#"):
            message = "a comment inside a directive: ModSecurity takes it as a part of it"
            log.wrong(source.location(row, len(text) - len(bare)), message, "put it before the directive")
            row += 1
            continue
        more = _goes_on(source, row, log)
        start = len(text) - len(bare) if pieces else 0
        piece = text.rstrip(_BLANKS)[start:-1] if more else text[start:]
        pieces.append((row, start, piece))
        length += len(piece)
        row += 1
    line = Line(source, pieces)
    if "\0" in line.text:
        log.wrong(line.at(line.text.index("\0")), "a NUL byte in the rules", r"write it as \x00 in a pattern")
        return None, row
    if length > LINE_BYTES:
        log.wrong(line.at(0), f"the directive is longer than {LINE_BYTES} bytes")
        return None, row
    return _block(line, row, log)


def _goes_on(source: Source, row: int, log: Log) -> bool:
    """Whether a row ends in a backslash that is not itself escaped."""
    text = source.rows[row]
    bare = text.rstrip(_BLANKS)
    if not bare.endswith("\\") or (len(bare) - len(bare.rstrip("\\"))) % 2 == 0:
        return False
    if len(bare) < len(text):
        message = "blanks after the backslash: the line ends here in ModSecurity"
        log.wrong(source.location(row, len(bare) - 1), message, "take the blanks away, or the backslash")
    return True


def _block(line: Line, row: int, log: Log) -> tuple[Line | None, int]:
    """Read the lines of a dataset, which stand between backticks."""
    if not (line.text.endswith("`") and line.text.lstrip(_BLANKS)[:10].lower() == "secdataset"):
        return line, row
    source = line.source
    found: list[Text] = []
    while row < len(source.rows):
        text = source.rows[row]
        bare = text.strip(_BLANKS)
        row += 1
        if bare.startswith("`"):
            line.block = tuple(found)
            return line, row
        if bare and not bare.startswith("#"):
            start = len(text) - len(text.lstrip(_BLANKS))
            found.append(Text(bare.encode("latin-1"), source.location(row - 1, start)))
    log.wrong(line.at(len(line.text) - 1), "the list has no end", "end it with a line of one backtick")
    return None, row
