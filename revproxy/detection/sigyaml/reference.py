"""The reference of the language, made from the tables that it is read with: what stands in docs/signatures.md.

Everything that a signature may name is here and nothing else; a test holds the manual against it. Explaining how to
write signatures is the manual's own business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from revproxy.detection.rules import FIELDS
from revproxy.detection.sigyaml import vocabulary as words
from revproxy.detection.transformations import TRANSFORMATIONS
from revproxy.model import SEVERITY_SCORE, Protocol

_SHORT = {Protocol.HTTP: "http", Protocol.SMTP: "smtp"}


def reference() -> str:
    """Markdown tables of keys, severities, operators, transformations and fields; ends with a line end."""
    parts = (
        ("Keys", ("key", "needed"), _keys()),
        ("Severities", ("severity", "points"), _severities()),
        ("Operators", ("operator", "argument"), _operators()),
        ("Transformations", ("transformation",), ((f"`{name}`",) for name in sorted(TRANSFORMATIONS))),
        ("Fields", ("field", "protocols", "keys", "holds"), _fields()),
    )
    return "\n".join(line for title, header, rows in parts for line in _table(title, header, rows)) + "\n"


def _table(title: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"### {title}\n"
    yield _row(header)
    yield "|" + "---|" * len(header)
    yield from map(_row, rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _keys() -> Iterator[tuple[str, ...]]:
    return ((f"`{key}`", "yes" if key in words.REQUIRED else "") for key in words.KEYS)


def _severities() -> Iterator[tuple[str, ...]]:
    ranked = sorted(words.SEVERITIES.items(), key=lambda entry: -SEVERITY_SCORE[entry[1]])
    return ((f"`{name}`", str(SEVERITY_SCORE[severity])) for name, severity in ranked)


def _operators() -> Iterator[tuple[str, ...]]:
    return ((f"`{name}`", argument.value) for name, argument in sorted(words.OPERATORS.items()))


def _fields() -> Iterator[tuple[str, ...]]:
    for name, spec in FIELDS.items():
        if name.endswith(".names") and name.removesuffix(".names") in FIELDS:
            continue
        protocols = ", ".join(short for protocol, short in _SHORT.items() if protocol in spec.protocols)
        yield f"`{name}`", protocols, "yes" if spec.keyed else "", spec.what
