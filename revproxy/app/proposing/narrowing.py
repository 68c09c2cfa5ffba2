"""Where a rule denied what: the field with its key, the path below a route. As narrow as the denials allow. Pure.

A key stands for itself, unless there are several that differ in digits only; a path is followed segment by segment
for as long as few branches go on. What would make a key into a pattern, or a path into a shorter prefix, must rest on
evidence of its own (`Weighing.rests`): nobody widens what others have shown to be needed by adding to it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from revproxy.app.proposing.evidence import Weighing, network
from revproxy.app.proposing.records import TARGET_CHARS, Denial
from revproxy.audit.masking import MASK
from revproxy.audit.redaction import EXCERPT_CHARS
from revproxy.detection.rules import FIELDS
from revproxy.proxy.http.paths import readings, under

FEW = 4
"""So many branches of a route's own path are told apart; of more, the path that they have in common is taken."""
DEEP = 12
"""Longest path that is proposed, in segments."""
KEYS = 3
"""From so many keys on that differ in digits only they are one pattern."""
_NAMES = ".names"
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_KEY = re.compile(r"[!-~]+(?: [!-~]+)*", re.ASCII)
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,=:@-]+", re.ASCII)
_LITERAL = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)
_CLASSED = re.compile(r"[^\[\]^\\]", re.ASCII)

Segments = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A rule at a field of a place, and what it denied there. `path` is "/" for the whole route, or for mail; where
    the rule looks at no field that can be left out `selector` is empty."""

    protocol: str
    route: str
    rule: str
    selector: str
    path: str
    denials: tuple[Denial, ...]


def spots(denials: Iterable[Denial], weighing: Weighing, bases: Mapping[str, str]) -> tuple[list[Spot], Counter[str]]:
    """The spots of all denials; and of how many denials none could be made, by why. `bases` are the routes' paths."""
    apart: defaultdict[tuple[str, str, str, str], list[Denial]] = defaultdict(list)
    left: Counter[str] = Counter()
    for one in denials:
        if one.counts:
            apart[one.protocol, one.route, one.rule, field_of(one.field)].append(one)
    found = []
    for (protocol, route, rule, name), some in apart.items():
        for selector, of_key in _selectors(name, some, weighing, left):
            for path, here in _places(of_key, weighing, bases.get(route, "/"), left):
                found.append(Spot(protocol, route, rule, selector, path, tuple(here)))
    return found, +left


def field_of(field: str) -> str:
    """The name by which a configuration leaves a field out; nothing for what is none, as a variable of SecLang."""
    if field not in FIELDS:
        return ""
    ending = "" if FIELDS[field].keyed or not field.endswith(_NAMES) else _NAMES
    return field.removesuffix(ending).removesuffix(".plain").removesuffix(".decoded") + ending


def _keyed(name: str) -> bool:
    """`args` and `args.names` are, and so is `archive.names`, the names of no other field."""
    return FIELDS[name].keyed or (name.endswith(_NAMES) and FIELDS[name.removesuffix(_NAMES)].keyed)


# ---- keys


def _selectors(
    name: str, denials: Sequence[Denial], weighing: Weighing, left: Counter[str]
) -> Iterator[tuple[str, list[Denial]]]:
    if not name or not _keyed(name):
        yield name, list(denials)
        return
    shapes: defaultdict[str, dict[str, list[Denial]]] = defaultdict(dict)
    for one in denials:
        key = one.key.lower()
        if nameable(key):
            shapes[_DIGITS.sub("0", key)].setdefault(key, []).append(one)
        else:
            left["the field's key cannot be told from the record"] += 1
    for shape, keys in shapes.items():
        for key, some in _grouped(shape, keys, weighing):
            yield f"{name}:{key}", some


def nameable(key: str) -> bool:
    """Whether a key stands in records as it stood in the request, and can be written as itself."""
    cut = len(key) >= EXCERPT_CHARS - 3
    return bool(_KEY.fullmatch(key)) and not cut and "\\" not in key and MASK.decode() not in key and key[0] != "/"


def _grouped(shape: str, keys: Mapping[str, list[Denial]], weighing: Weighing) -> Iterator[tuple[str, list[Denial]]]:
    if len(keys) < KEYS:
        yield from keys.items()
        return
    usual = min(keys, key=lambda key: (-len({network(one.client) for one in keys[key]}), key))
    others = [one for key, some in keys.items() if key != usual for one in some]
    if weighing.rests(others) or not weighing.rests(keys[usual]):
        others += keys[usual]
    else:
        yield usual, keys[usual]
    yield pattern_of(shape), others


def pattern_of(shape: str) -> str:
    """A pattern (google-re2, between slashes) of keys of which 0 stands for any digits."""
    parts = (_LITERAL.sub(_escaped, part) for part in shape.split("0"))
    return f"/^{'[0-9]+'.join(parts)}$/"


def _escaped(match: re.Match[str]) -> str:
    return f"[{match[0]}]" if _CLASSED.match(match[0]) else f"\\{match[0]}"


# ---- paths


def _places(
    denials: Sequence[Denial], weighing: Weighing, base: str, left: Counter[str]
) -> Iterator[tuple[str, list[Denial]]]:
    if denials[0].protocol != "http":
        yield "/", list(denials)
        return
    start = tuple(part for part in base.split("/") if part)
    visits = []
    for one in denials:
        segments = segments_of(one.target)
        if segments is None:
            left["the path reads in several ways"] += 1
        elif one.target and segments[: len(start)] != start:
            left["the path is not below that of the route, which has changed"] += 1
        else:
            visits.append((segments if one.target else start, one))
    if visits:
        for at, some in _descend(start, len(start), visits, weighing):
            yield ("/" if at == start else "/" + "/".join(at)), some


def segments_of(target: str) -> Segments | None:
    """The segments of a target's path, up to the first that is not plainly written; None where servers may read the
    path as one that is not below these."""
    path, mark, _ = target.partition("?")
    parts = path.split("/")[1:]
    if not mark and len(target) >= TARGET_CHARS:
        parts = parts[:-1]
    plain: list[str] = []
    for part in parts[:DEEP]:
        if not _SEGMENT.fullmatch(part) or part in (".", ".."):
            break
        plain.append(part)
    prefix = ("/" + "/".join(plain)).encode()
    return tuple(plain) if all(under(read, prefix) for read in readings(path.encode())) else None


def _descend(
    at: Segments, base: int, visits: Sequence[tuple[Segments, Denial]], weighing: Weighing
) -> Iterator[tuple[Segments, list[Denial]]]:
    """Prefixes and their denials, from the prefix `at` on, which all visits have; `base` segments are the route's."""
    branches: defaultdict[str, list[tuple[Segments, Denial]]] = defaultdict(list)
    for segments, one in visits:
        branches[segments[len(at)] if len(segments) > len(at) else ""].append((segments, one))
    strong = {name for name, some in branches.items() if weighing.rests([one for _, one in some])}
    weak = [name for name in branches if name not in strong]
    rest = [one for name in weak for _, one in branches[name]]
    many = FEW if len(at) == base else 1
    if "" in strong or [*branches] == [""] or (len(weak) > many and weighing.rests(rest)):
        yield at, [one for _, one in visits]
        return
    for name in branches:
        if name in strong or (name and len(weak) <= FEW):
            yield from _descend((*at, name), base, branches[name], weighing)
    apart = rest if len(weak) > FEW else [one for _, one in branches.get("", ())]
    if apart:
        yield at, apart
