"""The tables of docs/seclang.md that tell of names: what becomes of each, in the peers and here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TEXT = (Path(__file__).parents[2] / "docs" / "seclang.md").read_text("utf-8")
_NAME = re.compile(r"`(\w+)`")
_FATES = ("yes", "only", "notice", "not yet", "no effect", "no")


@dataclass(frozen=True, slots=True)
class Told:
    """What the document says of a name. `here` is the whole cell; the others are one of the words for a fate."""

    name: str
    modsecurity: str
    coraza: str
    here: str

    @property
    def fate(self) -> str:
        """The word that the cell begins with."""
        return fate(self.here)


def fate(cell: str) -> str:
    """The word that a cell begins with; the cell where it is none of them."""
    return next((word for word in _FATES if cell.startswith(word)), cell)


def told(section: str) -> dict[str, Told]:
    """By name, what the tables of a section (`## ...`) say. A name that stands there twice is a mistake."""
    found: dict[str, Told] = {}
    for header, cells in rows(section):
        if {"ModSecurity 3", "Coraza", "here"} <= set(header):
            row = dict(zip(header, cells, strict=True))
            for name in _NAME.findall(cells[0]):
                assert name not in found, f"{name} stands in the tables of {section} twice"
                found[name] = Told(name, fate(row["ModSecurity 3"]), fate(row["Coraza"]), row["here"])
    assert found, f"no table in {section}"
    return found


def rows(section: str) -> Iterator[tuple[list[str], list[str]]]:
    """(cells of the header, cells) of each row."""
    body = TEXT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    header: list[str] = []
    for line in body.splitlines():
        if not line.startswith("|"):
            header = []
        elif not header:
            header = _cells(line)
        elif not line.startswith("|--"):
            yield header, _cells(line)


def _cells(line: str) -> list[str]:
    return line.removeprefix("| ").removesuffix(" |").split(" | ")
