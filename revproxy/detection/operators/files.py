"""Operators whose argument names a file or a data set: what its content makes of them.

Nothing is read here; who lowers a rule language hands over the content. As in libmodsecurity 3 an empty line and one
whose first mark is `#` say nothing, and blanks around a phrase belong to it. A carriage return at the end of a line
is dropped (the reference keeps it, and then nothing matches); blanks around an address are, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from revproxy.detection.rules import Operator

FILE_OPERATORS: Final = {
    "ipMatchF": "ipMatch",
    "ipMatchFromDataset": "ipMatch",
    "ipMatchFromFile": "ipMatch",
    "pmFromDataset": "pm",
    "pmFromFile": "pm",
    "pmf": "pm",
}
"""By SecLang name, the operator that does their work."""


def with_content(operator: Operator, content: bytes) -> Operator:
    """What a rule's operator is once its file was read; `noMatch` where that says nothing. KeyError: no such name."""
    name = FILE_OPERATORS[operator.name]
    lines = tuple(_phrases(content) if name == "pm" else _addresses(content))
    if not lines:
        return replace(operator, name="noMatch", argument="")
    return replace(operator, name=name, argument=lines)


def _phrases(content: bytes) -> Iterator[str]:
    for line in content.split(b"\n"):
        kept = line.removesuffix(b"\r")
        if kept and not kept.lstrip().startswith(b"#"):
            yield kept.decode("utf-8", "surrogateescape")


def _addresses(content: bytes) -> Iterator[str]:
    for line in _phrases(content):
        yield from (text.strip() for text in line.split(",") if text.strip())
