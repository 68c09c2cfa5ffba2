"""`pm`: any of many phrases, without regard to case (ASCII letters). What it found is the phrase."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from revproxy.detection.operators.base import Argument, ArgumentError, CompiledOperator
from revproxy.detection.operators.rx import from_texts, texts_of
from revproxy.detection.operators.texts import Texts
from revproxy.detection.patterns import Node
from revproxy.detection.patterns import bytesets as b
from revproxy.detection.patterns.tree import Set, alt, cat

_HEX: Final = re.compile(r"\|((?:[0-9A-Fa-f]{2} ?){1,64})\|")
_ESCAPE: Final = re.compile(r"\\([\\:;\"])")


def phrases_of(argument: Argument) -> tuple[bytes, ...]:
    """The phrases of a list, or of a text with spaces between them.

    In a text, `|41 42|` are bytes in hexadecimal, spaces among them, and a backslash takes what Snort's content
    gives a meaning (`:` `;` `"` and itself) for itself.
    """
    if isinstance(argument, tuple):
        phrases = [phrase.encode("utf-8", "surrogateescape") for phrase in argument]
    else:
        phrases = _split(argument)
    kept = tuple(dict.fromkeys(phrase.lower() for phrase in phrases if phrase))
    if not kept:
        raise ArgumentError("needs at least one phrase")
    return kept


def _split(text: str) -> list[bytes]:
    phrases: list[bytes] = [b""]
    for index, piece in enumerate(_HEX.split(text)):
        if index % 2:
            phrases[-1] += bytes.fromhex(piece)
            continue
        first, *others = _ESCAPE.sub(r"\1", piece).replace("\t", " ").split(" ")
        phrases[-1] += first.encode("utf-8", "surrogateescape")
        phrases.extend(other.encode("utf-8", "surrogateescape") for other in others)
    return phrases


def tree_of(phrases: tuple[bytes, ...]) -> Node:
    """The pattern that finds any of these lower case phrases; of several at one place, the longest."""
    return alt(cat(Set(b.fold(1 << byte)) for byte in phrase) for phrase in sorted(phrases, key=len, reverse=True))


@lru_cache(maxsize=64)
def pm_texts(argument: Argument) -> Texts:
    """What `pm` makes the operator of. Raises ArgumentError. Lists are long, and asked for when rules are checked and
    when they are linked."""
    return texts_of(tree_of(phrases_of(argument)))


def pm(argument: Argument) -> CompiledOperator:
    """Any of the phrases, anywhere in the value."""
    return from_texts(pm_texts(argument))
