"""Which rules should be in force and are not, and which are and should not be. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from revproxy.dmz.tables import Table


def differences(wanted: Table, found: Table | None) -> list[str]:
    """Lines for a person: `-` should be in force and is not, `+` is and should not be; none where all is well."""
    if found is None:
        return [f"- table {wanted.name}: nothing of it is in force"]
    lines = [f"+ table {wanted.name}: {flag}" for flag in found.flags]
    should, are = _parts(wanted), _parts(found)
    for name in dict.fromkeys((*should, *are)):
        if name not in are:
            lines.append(f"- {name}")
        elif name not in should:
            lines.append(f"+ {name}")
        lines += _changed(name, should.get(name, []), are.get(name, []))
    return lines


def _parts(table: Table) -> dict[str, list[str]]:
    """Sets and chains with their lines. An element of a set is a line of its own."""
    sets = {
        f"set {one.name}": [f"type {one.type}", f"size {one.size}", f"timeout {one.timeout}s", *one.elements]
        for one in table.sets
    }
    return sets | {f"chain {one.name}": [one.hook, *one.rules] for one in table.chains}


def _changed(name: str, should: list[str], are: list[str]) -> Iterator[str]:
    """Order counts: the first rule that matches decides."""
    for kind, a, b, c, d in SequenceMatcher(None, should, are, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from (f"- {name}: {line}" for line in should[a:b])
            yield from (f"+ {name}: {line}" for line in are[c:d])
