"""`rx` and `rxGlobal`: regular expressions, by google-re2 from our own reading of the text, so that they mean what
PCRE means.

Dot-all and multi-line as in libmodsecurity 3. What needs backtracking is refused when it is compiled. Time is linear
in the value, whatever the pattern. Captures follow PCRE's order; a group that a loop left empty may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import re2

from revproxy.codecs.linear import Span, found
from revproxy.codecs.linear import spans as spans_of
from revproxy.detection.operators.base import Argument, ArgumentError, Captures, CompiledOperator, Test, text_of
from revproxy.detection.operators.texts import Texts
from revproxy.detection.patterns import Flags, Node, PatternError, parse, parser, strict, to_re2
from revproxy.detection.patterns.parser import RX

MEMORY_BYTES: Final = 16 * 1024 * 1024
"""What google-re2 may use for the states of one pattern before it falls back on its slower automaton."""
MOST_GROUPS: Final = 9
"""TX:1 to TX:9: what stands in later groups is not kept."""


def compile_re2(pattern: bytes, captures: bool) -> Any:
    """A google-re2 program over bytes. Raises ArgumentError when it is too large for it."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.dot_nl = True
    options.never_capture = not captures
    options.max_mem = MEMORY_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ArgumentError(f"google-re2 does not take this pattern: {error}") from error


def forget() -> None:
    """Let go of what nobody uses any more: trees that were read, and programs, for the library keeps those compiled
    last, with what they have learnt from values, which is megabytes each."""
    re2.purge()
    parser.forget()
    rx_texts.cache_clear()


def alternation(patterns: Sequence[bytes]) -> Test:
    """Whether any of these patterns of google-re2 matches. Raises ArgumentError when they are too large for it."""
    return found(compile_re2(b"|".join(b"(?:%b)" % p for p in patterns), captures=False))


def tree_of(argument: Argument, flags: Flags = RX) -> Node:
    """The pattern of an argument. Raises ArgumentError with the place of what is wrong in it."""
    try:
        return parse(text_of(argument), flags)
    except PatternError as error:
        raise ArgumentError(error.message, error.offset) from error


def texts_of(tree: Node) -> Texts:
    """What `from_texts` makes the operator of."""
    careful = strict(tree)
    search, groups = to_re2(tree, groups=False), to_re2(tree, groups=True)
    exact = None if careful is None else to_re2(careful, groups=False)
    return Texts(search, exact, None if groups == search else groups)


@lru_cache(maxsize=4096)
def rx_texts(argument: Argument) -> Texts:
    """What `rx` makes the operator of. Raises ArgumentError."""
    return texts_of(tree_of(argument))


class _Late:
    """The program with captures, built at its first use, since few rules capture. Two threads may both build it."""

    __slots__ = ("_program", "_spans", "_text")

    def __init__(self, texts: Texts, program: Any = None) -> None:
        """`program` is the one that finds: without groups it captures as well as any."""
        self._text = texts.search if texts.captures is None else texts.captures
        self._program = program if texts.captures is None else None
        self._spans: Callable[[bytes], Sequence[Span] | None] | None = None

    def build(self) -> Any:
        """The program."""
        if self._program is None:
            self._program = compile_re2(self._text, captures=True)
        return self._program

    def search(self, value: bytes, at: int = 0) -> Any:
        return self.build().search(value, at)

    def captures(self, value: bytes) -> Captures:
        """The first match and its groups; nothing without one."""
        spans = self._spans
        if spans is None:
            spans = self._spans = spans_of(self.build())
        told = spans(value)
        if told is None:
            return ()
        return tuple([None if begin < 0 else value[begin:end] for begin, end in told[: MOST_GROUPS + 1]])


def _test(texts: Texts, program: Any) -> Test:
    matches = found(program)
    if texts.exact is None:
        return matches
    exact = found(compile_re2(texts.exact, captures=False))
    return lambda value: matches(value) and (value[-1:] != b"\n" or exact(value))


def matcher(tree: Node) -> CompiledOperator:
    """The operator for a pattern that was read already."""
    return from_texts(texts_of(tree))


def from_texts(texts: Texts) -> CompiledOperator:
    """The operator. Raises ArgumentError for a pattern that is too large for google-re2."""
    program = compile_re2(texts.search, captures=False)
    search = program.search
    test = _test(texts, program)
    late = _Late(texts, program)

    def find(value: bytes) -> tuple[int, int] | None:
        match = search(value)
        return None if match is None else match.span()

    def captures(value: bytes) -> Captures:
        # Only what ends in a newline may be found by the program and not be meant.
        return late.captures(value) if value[-1:] != b"\n" or test(value) else ()

    return CompiledOperator(test, find, captures, ready=late.build)


def rx(argument: Argument) -> CompiledOperator:
    """A match anywhere in the value."""
    return from_texts(rx_texts(argument))


def rx_global(argument: Argument) -> CompiledOperator:
    """The same, but every match captures."""
    texts = rx_texts(argument)
    plain = from_texts(texts)
    late = _Late(texts)
    return CompiledOperator(
        plain.test,
        plain.find,
        lambda value: _all_captures(late, value) if plain.test(value) else (),
        ready=late.build,
    )


def _all_captures(program: _Late, value: bytes) -> Captures:
    """Each match goes on with the number after as many as the matches before it had filled, as in the reference."""
    kept: list[bytes | None] = [None] * (MOST_GROUPS + 1)
    number = at = 0
    while number <= MOST_GROUPS and at <= len(value) and (match := program.search(value, at)) is not None:
        found = (match.group(0), *match.groups())
        for place, group in enumerate(found[: len(kept) - number], number):
            kept[place] = kept[place] if group is None else group
        number += sum(group is not None for group in found)
        at = match.end() + (match.end() == match.start())
    return tuple(kept)
