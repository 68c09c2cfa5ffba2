"""What a configuration leaves out of a transaction: whole rules, or fields that rules then do not look at.

Rules are named by id, so that an exclusion holds for whatever rule set it is used with. Where an exclusion applies
(route, path, mail domain) is for whoever puts it on a transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from revproxy.detection.rules.rule import Target

_ALIKE: dict[str, tuple[str, ...]] = {
    "args": ("args.plain", "args.get", "args.post"),
    "basename": ("basename.decoded",),
    "body": ("body.raw",),
    "cookies": ("cookies.plain",),
    "files": ("files.plain",),
    "path": ("path.decoded",),
    "uri": ("uri.decoded",),
    "xml": ("xml.text",),
    "xml.attributes": ("xml.attributes.plain",),
}
"""Fields that hold the same values in another form: rules of one language look at one, of the other at another."""
_NAMES = ".names"


@dataclass(frozen=True, slots=True, eq=False)
class Exclusion:
    """These rules do not run; with `targets` they run, and do not look at those values. Each is one of its own."""

    rules: frozenset[str]
    targets: tuple[Target, ...] = ()


def alike(target: Target) -> tuple[Target, ...]:
    """The target, and the same in the fields that hold the same values in another form."""
    field = target.field.removesuffix(_NAMES)
    ending = _NAMES if field != target.field else ""
    return (target, *(replace(target, field=other + ending) for other in _ALIKE.get(field, ())))
