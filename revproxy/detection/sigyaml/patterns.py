"""Whether a regular expression can run in a linear engine, and where it is broken.

`problem` reads a pattern as its author wrote it and says what is wrong at which character. Compiling for matching
does not belong here (`detection.operators`, `detection.link`).
"""

from __future__ import annotations

import re2

PATTERN_CHARACTERS = 8192

_LOOKS = ("(?=", "(?!", "(?<=", "(?<!")
_REFERENCES = "123456789kg"


def problem(pattern: str) -> tuple[str, int] | None:
    """(what is wrong, offset of the character), or None for a pattern that compiles."""
    if len(pattern) > PATTERN_CHARACTERS:
        return f"the pattern is longer than {PATTERN_CHARACTERS} characters", 0
    try:
        pattern.encode("latin-1")
    except UnicodeEncodeError as error:
        return "a pattern works on bytes: write characters above 0xff as \\xHH bytes", error.start
    return _unsupported(pattern) or _broken(pattern)


def _unsupported(pattern: str) -> tuple[str, int] | None:
    """What needs backtracking: look-around, back-references, atomic groups, possessive repeats."""
    at, in_class = 0, False
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            if not in_class and pattern[at + 1 : at + 2] in tuple(_REFERENCES):
                return "back-references are not supported: patterns run in linear time", at
            at += 2
            continue
        if in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
            # A `]` that comes first, also after `^`, is a member.
            at += 1 + (pattern[at + 1 : at + 2] == "^")
            at += pattern[at : at + 1] == "]"
            continue
        elif pattern.startswith(_LOOKS, at):
            return "look-around is not supported: say it with `not`, or match the character", at
        elif pattern.startswith("(?>", at):
            return "atomic groups are not supported", at
        at += 1
    return None


def _broken(pattern: str) -> tuple[str, int] | None:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.dot_nl = True
    try:
        re2.compile(pattern.encode("latin-1"), options)
    except re2.error as error:
        said = error.args[0] if error.args else "broken"
        text = said.decode("latin-1") if isinstance(said, bytes) else str(said)
        # RE2 names the piece that it could not read after a colon.
        piece = text.partition(": ")[2]
        return f"the pattern does not compile: {text}", max(pattern.find(piece), 0) if piece else 0
    return None
