"""Text with references to fields in it, filled in when a rule runs (SecLang: macros, `%{tx.score}`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """The first value of a field, or of one of its keys (lower case); nothing where there is none.

    `field` is of the field table or one of the pseudo fields of `rule`.
    """

    field: str
    key: bytes | None = None


Template = tuple[bytes | Reference, ...]
"""Parts, in order. Empty: no template."""


def constant(template: Template) -> bytes | None:
    """The text of a template without references, else None."""
    return (
        b"".join(p for p in template if isinstance(p, bytes)) if all(isinstance(p, bytes) for p in template) else None
    )
