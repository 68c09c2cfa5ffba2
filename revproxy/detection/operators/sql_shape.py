"""Whether a value goes on with a statement of SQL that somebody else began: a small grammar over tokens.

A value is read as what it may stand for in a query: as a number, and as the inside of a text in either quote. A
reading ends the operand, goes on with an operator, and every operand behind that stands where SQL wants one: so
prose and the filters of search forms (`title="a" and (b=1)`) are none, whatever words they use. Each token is one
letter, and a few patterns over letters are the grammar.

It complements libinjection, which knows more dialects and trusts the first five tokens. Bounded: the first `MOST`
tokens of a value; linear in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from revproxy.detection.operators.sqli_tokens import TOKEN

MOST: Final = 96
"""Tokens of each reading that are looked at."""
_LONGEST: Final = 4096
_DEPTH: Final = 8
_PARTS: Final = 8
_PART: Final = re.compile(rb"[/=](?=[-+]?[0-9])")

_WORDS: Final = {
    b"L": b"and or xor",
    b"N": b"not binary distinct all any some",
    b"=": b"like rlike regexp in is between glob ilike similar sounds",
    b"o": b"div mod collate",
    b"U": b"union intersect except minus",
    b"E": b"select insert update delete drop alter create exec execute truncate merge replace attach vacuum copy "
    b"call declare grant revoke backup restore shutdown load handler waitfor rename pragma",
    b"B": b"order group having limit procedure window offset",
    b"k": b"from where into set by table database user values using as on join case else end desc asc with",
    b"W": b"when",
    b"H": b"then",
    b"t": b"null true false",
}
_LETTER: Final = {word: letter for letter, words in _WORDS.items() for word in words.split()}
_KINDS: Final = {"string": b"s", "number": b"1", "variable": b"v", "comment": b"c"}
_COMPARISONS: Final = frozenset(b"= < > <> <= >= != <=> :=".split())
_MARKS: Final = frozenset((b"(", b")", b";", b",", b"."))
_BOOLEANS: Final = frozenset((b"||", b"&&"))
_CALLED: Final = re.compile(rb"[ \t\n]*\(")
_CLOSED: Final = re.compile(rb"[nfNB=ok]?\([^()]*\)")
_PATH: Final = re.compile(rb"n\.(?=[nf])")

_VALUE: Final = rb"[o!N]*[s1tvfQbS]"
_ANY: Final = rb"[o!N]*[s1tvfQbSn]"
_VALUES: Final = rb"(?:" + _VALUE + rb"(?:o" + _VALUE + rb")*)"
_SUM: Final = rb"(?:" + _ANY + rb"(?:o" + _ANY + rb")*)"
"""Operands with arithmetic between them: of values alone, and of columns too."""
_TRUE: Final = rb"(?:[!N]*[tQfb]|[!N]*%b(?:[!N]*=[!N]*%b(?:L%b(?![=o]))?)+)"
_MORE: Final = rb"(?:L%b(?:=%b)?)*(?:[c;BU]|\Z)"

_TEXT_CLOSED: Final = re.compile(
    rb"[sS](?:"
    rb"L(?:" + _TRUE % (_SUM, _SUM, _SUM) + rb"|" + _SUM + rb"(?=[c;]))" + _MORE % (_SUM, _SUM) + rb""
    rb"|[!N]*[=o][o!N]*[1tvfQb](?:[!N]*[=oL]" + _VALUES + rb")*(?:c|(?<=[SfQ])\Z)"
    rb"|[!N]*[=o][o!N]*s(?:[!N]*[=oL]" + _VALUES + rb")+(?:c|(?<=S)\Z)"
    rb"|B[^;c]{1,40}c"
    rb"|;E[nkfsQ1N]"
    rb"|UN*[EQ]"
    rb")"
)
"""Of a reading as a text: it is closed, and what stands behind it is SQL."""
_NUMBER_ENDED: Final = re.compile(
    rb"o?[1Q](?:"
    rb"L" + _TRUE % (_VALUES, _VALUES, _VALUES) + _MORE % (_VALUES, _VALUES) + rb""
    rb"|;E(?:k|n[kQs1f]|f)"
    rb"|[,o=][QC]"
    rb"|UN*[EQ]"
    rb")|o?C"
)
"""Of a reading as a number, where nothing but values of its own are compared."""
_GOING_ON: Final = frozenset((b"L", b"o", b"N", b"!", b"=", b"B", b";", b",", b"U", b"("))
"""Letters of which one stands behind an operand that is ended."""
_INSIDE: Final = ((b"E", b"Q"), (b"W", b"C"), (b"=", b"b"))
"""What brackets are, by what stands in them: a query, a choice, a condition; else they are a value."""
_CASE: Final = re.compile(rb"W(?:[!N]*b|" + _VALUES + rb"=" + _VALUES + rb")(?:L" + _VALUES + rb")*H")


def is_sql(value: bytes) -> bool:
    """Whether some reading of the value goes on with a statement."""
    text = value[:_LONGEST]
    if any(_is_number_ended(text[at:]) for at in _numbers(text)) or _is_case(text):
        return True
    return any(quote in text and _is_text_closed(quote + text) for quote in (b"'", b'"'))


def _is_number_ended(text: bytes) -> bool:
    return _may_be_number(text) and _NUMBER_ENDED.match(letters(text)) is not None


def _is_text_closed(text: bytes) -> bool:
    return next(_tellings(text, 1), b"") in _GOING_ON and _TEXT_CLOSED.match(letters(text)) is not None


def _is_case(text: bytes) -> bool:
    low = text.lower()
    return b"when" in low and b"then" in low and _CASE.search(letters(text)) is not None


def _may_be_number(text: bytes) -> bool:
    """Whether its first letters are those of `_NUMBER_ENDED`: most values are names, and need not be read on."""
    tellings = _tellings(text, 0)
    first = next(tellings, b"")
    if first == b"o":
        first = next(tellings, b"")
    if first == b"1":
        return next(tellings, b"") in _GOING_ON
    # What stands in brackets is one operand, of a kind that only all of it tells.
    return first == b"(" or (first in (b"n", b"f") and b"(" in text)


def _tellings(text: bytes, passed: int) -> Iterator[bytes]:
    """The letters of a text's tokens behind the `passed` first ones, without those that mean nothing."""
    for match in islice(TOKEN.finditer(text), passed, MOST):
        letter = _letter(match)
        if letter and letter != b")":
            yield letter


def _numbers(text: bytes) -> list[int]:
    """Where a number may begin: the value itself, and in addresses the parts of their path and query."""
    if not text.startswith((b"/", b"http")):
        return [0]
    return [match.end() for match in islice(_PART.finditer(text), _PARTS)]


def letters(text: bytes) -> bytes:
    """A letter for each token; what stands in brackets is one operand, `Q` where it is a query."""
    found = bytearray()
    for count, match in enumerate(TOKEN.finditer(text)):
        if count >= MOST:
            break
        found += _letter(match)
    flat = _PATH.sub(b"", bytes(found))
    for _ in range(_DEPTH):
        flat, changed = _CLOSED.subn(_operand, flat)
        if not changed:
            break
    return flat.translate(None, b"()")


def _operand(match: re.Match[bytes]) -> bytes:
    """What stands for a pair of brackets and, where it is a call, the name before it."""
    before, _, inside = match[0].partition(b"(")
    if before in (b"n", b"f"):
        return b"Q" if b"E" in inside else b"f"
    return before + next((letter for mark, letter in _INSIDE if mark in inside), b"1")


def _letter(match: re.Match[bytes]) -> bytes:
    kind, token = match.lastgroup or "", match[0]
    if kind == "word":
        return _word(match)
    if kind == "string":
        # One that is left open is closed by the quote that stands behind the value in the query.
        return b"s" if len(token) > 1 and token[-1:] == token[:1] else b"S"
    if kind == "comment":
        return b"c" if token[:2] != b"/*" or not token.endswith(b"*/") else b""
    if kind == "operator":
        return b"L" if token in _BOOLEANS else b"=" if token in _COMPARISONS else b"!" if token == b"!" else b"o"
    if kind == "other":
        return token if token in _MARKS else b"?"
    return _KINDS.get(kind, b"")


def _word(match: re.Match[bytes]) -> bytes:
    known = _LETTER.get(match[0].lower())
    if known is not None:
        return known
    return b"f" if _CALLED.match(match.string, match.end()) else b"n"
