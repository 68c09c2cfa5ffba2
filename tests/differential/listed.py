"""The list of known differences: `tests/data/seclang/differences.yaml`.

    differences:
      - rule: 980170            any: whatever differs in requests of which `where` is true
        side: ours              which engine has it and the other one has not: ours, modsecurity; both, for any
        errs: modsecurity       which of them is wrong: ours, modsecurity, neither
        where:                  for any: all that is given has to be true
          type: text/xml        the request's media type
          header: x-y           it has such a field
          contains: "<!DOCTYPE" its body does
          fired: "90006"        this rule fired on both sides (90006: the body breaks its type)
        why: >-
          what is the matter
        request: "GET / HTTP/1.1\r\n..."      the smallest one that shows it

A request shows its class at level 4, with nothing kept out of the way. Its bytes are those of Latin-1.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parents[1] / "data" / "seclang" / "differences.yaml"
SIDES = ("ours", "modsecurity")
ERRING = (*SIDES, "neither")
ANY, BOTH = "any", "both"
_WORDS = {"rule", "side", "errs", "where", "why", "request"}
_WHERE = {"type", "header", "contains", "fired"}


@dataclass(frozen=True, slots=True)
class Difference:
    """A class of difference: a rule that one side has."""

    rule: str
    side: str
    errs: str
    why: str
    request: bytes
    where: dict[str, str] = field(default_factory=dict)

    def covers(self, key: tuple[str, str], raw: bytes, fired: Collection[str]) -> bool:
        """Whether a difference in this request is of this class; `fired` are the rules that both sides have."""
        if self.rule != ANY:
            return key == self.key
        return self.side in (key[1], BOTH) and self._is_where(raw, fired)

    def _is_where(self, raw: bytes, fired: Collection[str]) -> bool:
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
        fields = {name.lower().decode("latin-1"): value.strip().decode("latin-1") for name, _, value in lines}
        tests = {
            "type": lambda said: fields.get("content-type", "").partition(";")[0].strip().lower() == said,
            "header": lambda said: said.lower() in fields,
            "contains": lambda said: said.encode("latin-1") in body,
            "fired": lambda said: said in fired,
        }
        return all(tests[word](said) for word, said in self.where.items())

    @property
    def key(self) -> tuple[str, str]:
        """What a comparison counts by."""
        return self.rule, self.side


def read(path: Path = FILE) -> list[Difference]:
    """All of them. Raises ValueError with the number of a bad one."""
    with path.open("rb") as file:
        document = yaml.safe_load(file) or {}
    return [_difference(number, entry) for number, entry in enumerate(document.get("differences") or (), 1)]


def _difference(number: int, entry: dict[str, Any]) -> Difference:
    if unknown := entry.keys() - _WORDS:
        raise ValueError(f"entry {number}: unknown {', '.join(sorted(unknown))}")
    made = Difference(
        str(entry.get("rule", "")),
        entry.get("side", ""),
        entry.get("errs", ""),
        str(entry.get("why", "")).strip(),
        str(entry.get("request", "")).encode("latin-1"),
        {str(name): str(value) for name, value in (entry.get("where") or {}).items()},
    )
    if (made.rule == ANY) is not bool(made.where) or not made.where.keys() <= _WHERE:
        raise ValueError(f"entry {number}: `any` and `where` go together: {', '.join(sorted(_WHERE))}")
    sides = (*SIDES, BOTH) if made.rule == ANY else SIDES
    if not (made.rule and made.why and made.request) or made.side not in sides or made.errs not in ERRING:
        raise ValueError(f"entry {number}: a difference has a rule, a side, who errs, why, and a request")
    return made
