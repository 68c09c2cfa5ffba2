"""Proposals for a person, and for a program. The text is a patch, too: `patch` passes over what stands before it.

Values of requests stand here as they stand in the records: masked, escaped, bounded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from revproxy.app.proposing.choosing import Proposal
from revproxy.app.proposing.patching import Tuned, duration, exclusion_of, item_of
from revproxy.app.proposing.records import Denial, Denials

TARGET_CHARS = 160


def as_text(tuned: Tuned) -> str:
    """Each proposal in lines that begin with `#`, then the patch."""
    if not tuned.proposals:
        return "# nothing to propose\n"
    told = [line for one in tuned.proposals for line in _lines(one, one.id in tuned.chosen)]
    marked = any(one.evidence.marks for one in tuned.proposals)
    if marked:
        told.append("# In doubt it may be one attack, and is in the patch only when --id names it.")
    return "".join(f"{line}\n" for line in told) + tuned.patch


def _lines(one: Proposal, chosen: bool) -> Iterator[str]:
    found = one.evidence
    where = ("route " if one.protocol == "http" else "mail for ") + one.route
    below = f" below {one.path}" if one.path != "/" else ""
    said = "in the patch" if chosen else "NOT in the patch"
    yield f"# {one.id} {said}: {where}{below}, {one.selector or 'whole rules'}"
    if found.marks:
        yield f"#   DOUBT: {', '.join(found.marks)}"
    yield f"#   rules: {', '.join(one.rules)}{''.join(f'; {_safe(text)}' for text in one.messages)}"
    if one.keys:
        yield f"#   a pattern for {one.keys} keys that differ in digits only"
    yield (
        f"#   rests on {found.transactions} denied, of {found.clients} clients in {found.networks} networks,"
        f" over {duration(found.seconds)} ({_day(found.first)} to {_day(found.last)})"
    )
    yield f"#   would let pass {one.alone} by itself, {one.together} with the others"
    for example in one.examples:
        yield f"#     {_example(example)}"
    if not chosen:
        yield f"#   {item_of(exclusion_of(one))}"
    yield "#"


def _example(one: Denial) -> str:
    asked = f"{one.method} {one.host}{one.target[:TARGET_CHARS]}" if one.target else one.id
    return _safe(f"{one.client} {asked} | {one.field}{':' if one.key else ''}{one.key}: {one.excerpt}")


def _safe(text: str) -> str:
    """Records of others' making may hold anything; ours are escaped already."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="minutes").replace("+00:00", "Z")


def as_json(tuned: Tuned, read: Denials) -> str:
    """One object: proposals, what was left, what could not be read, the patch."""
    told = {
        "proposals": [_object(one, one.id in tuned.chosen) for one in tuned.proposals],
        "left": dict(tuned.left),
        "refused": list(tuned.refused),
        "records": read.records,
        "denials": len(read.found),
        "beyond": read.beyond,
        "unread": dict(read.wrong),
        "patch": tuned.patch,
    }
    return json.dumps(told, indent=2)


def _object(one: Proposal, chosen: bool) -> dict[str, Any]:
    found = one.evidence
    return {
        "id": one.id,
        "in_patch": chosen,
        "marks": list(found.marks),
        "protocol": one.protocol,
        "route": one.route,
        "path": one.path,
        "field": one.selector,
        "rules": list(one.rules),
        "keys": one.keys or None,
        "denied": found.transactions,
        "clients": found.clients,
        "networks": found.networks,
        "first": _day(found.first),
        "last": _day(found.last),
        "passes_alone": one.alone,
        "passes_together": one.together,
        "examples": [
            {"id": e.id, "client": e.client, "method": e.method, "host": e.host, "target": e.target}
            | {"field": e.field, "key": e.key, "excerpt": e.excerpt}
            for e in one.examples
        ],
    }


def unread(read: Denials) -> Iterator[str]:
    """What could not be read: the first places, then how often."""
    yield from map(str, read.noted)
    for why, times in read.wrong.most_common():
        yield f"{times} times: {why}"
    if read.beyond:
        yield f"{read.beyond} findings were not looked at, because there are too many: use --since"


def left_out(tuned: Tuned) -> Iterator[str]:
    """Findings of which nothing came, and proposals that the configuration would not take."""
    for why, times in tuned.left.most_common():
        yield f"{times} findings without a proposal: {why}"
    for refused in tuned.refused:
        yield f"not proposed: {refused}"
