"""`rx`: regular expressions, by google-re2 from our own reading of the text, so that they mean what PCRE means.

Dot-all and multi-line as in libmodsecurity 3. What needs backtracking is refused when it is compiled. Time is linear
in the value, whatever the pattern. Captures follow PCRE's order; a group that a loop left empty may differ.
"""

from __future__ import annotations

from typing import Any

import re2

from revproxy.detection.operators.base import Argument, ArgumentError, CompiledOperator, text_of
from revproxy.detection.patterns import Node, PatternError, parse, to_re2

MEMORY_BYTES = 16 * 1024 * 1024
"""What google-re2 may use for the states of one pattern before it falls back on its slower automaton."""
MOST_GROUPS = 9
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


def matcher(tree: Node) -> CompiledOperator:
    """The operator for a pattern that was read already."""
    plain = compile_re2(to_re2(tree, groups=False), captures=False)
    search = plain.search
    late: list[Any] = []

    def test(value: bytes) -> bool:
        return search(value) is not None

    def find(value: bytes) -> tuple[int, int] | None:
        match = search(value)
        if match is None:
            return None
        start, end = match.span()
        return start, end

    def groups(value: bytes) -> tuple[bytes, ...]:
        # Few rules capture: the second program is built at the first use. Two threads may both build it; no harm.
        if not late:
            late.append(compile_re2(to_re2(tree, groups=True), captures=True))
        match = late[0].search(value)
        if match is None:
            return ()
        return (match.group(0), *(group or b"" for group in match.groups()[:MOST_GROUPS]))

    return CompiledOperator(test, find, groups)


def rx(argument: Argument) -> CompiledOperator:
    """A match anywhere in the value."""
    try:
        tree = parse(text_of(argument))
    except PatternError as error:
        raise ArgumentError(error.message, error.offset) from error
    return matcher(tree)
