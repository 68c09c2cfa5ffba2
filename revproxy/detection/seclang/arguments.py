"""A logical line as a name and arguments: bare words, `"..."` with `\\"`, `'...'` with `\\'`.

Offsets are those of the line; nothing is copied. What the arguments mean does not belong here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from revproxy.detection.seclang.source import Line, Log
from revproxy.detection.seclang.tree import Text

_BLANKS = re.compile(r"[ \t]*+")
_BARE = re.compile(r"[^ \t]++")
_QUOTED = {
    '"': re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*)(")?', re.DOTALL),
    "'": re.compile(r"'([^'\\]*+(?:\\.[^'\\]*+)*)(')?", re.DOTALL),
}


@dataclass(frozen=True, slots=True)
class Argument:
    """From `start` to `end`, without the quotes; `quote` is the one around it, or nothing."""

    line: Line
    start: int
    end: int
    quote: str = ""

    @property
    def text(self) -> Text:
        """What it says."""
        return self.line.cut(self.start, self.end, self.quote)

    @property
    def raw(self) -> str:
        """What is written."""
        return self.line.text[self.start : self.end]


def name(line: Line) -> str:
    """The first word, whatever it is."""
    start = _end(_BLANKS, line.text, 0)
    return line.text[start : _end(_BARE, line.text, start)]


def split(line: Line, log: Log) -> list[Argument] | None:
    """The name of the directive and its arguments; None when the quotes are wrong, which is noted."""
    text = line.text
    found: list[Argument] = []
    position = _end(_BLANKS, text, 0)
    while position < len(text):
        argument = _argument(line, position, log)
        if argument is None:
            return None
        found.append(argument)
        after = argument.end + len(argument.quote)
        position = _end(_BLANKS, text, after)
        if position == after and position < len(text):
            log.wrong(line.at(position), "a blank is missing here")
            return None
    return found


def _argument(line: Line, position: int, log: Log) -> Argument | None:
    quote = line.text[position]
    if quote not in _QUOTED:
        return Argument(line, position, _end(_BARE, line.text, position))
    match = _QUOTED[quote].match(line.text, position)
    if match and match[2]:
        return Argument(line, match.start(1), match.end(1), quote)
    log.wrong(
        line.at(position),
        f"the quote {quote} is not closed",
        "a directive goes on in the next line only after a backslash",
    )
    return None


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
