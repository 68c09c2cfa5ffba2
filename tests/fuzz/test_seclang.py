"""Texts of rules, cut, repeated and stained: they are read and lowered, or refused with places that exist."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.seclang import parse
from revproxy.detection.seclang.lower import lower
from revproxy.detection.seclang.vocabulary import ACTIONS, CTL, DIRECTIVES, OPERATORS, VARIABLES
from revproxy.errors import ManyErrors, RuleError

DATA = Path(__file__).parents[1] / "data" / "seclang"
SEEDS = [(DATA / name).read_bytes() for name in ("golden.conf", "usual/modsecurity.conf", "usual/plugins.conf")]
LINES = [line for seed in SEEDS for line in seed.splitlines(keepends=True)]
WORDS = [
    *(f"{name} " for name in [spec.name for spec in DIRECTIVES.values()] + list(VARIABLES)),
    *(f"{spec.name}:" for spec in ACTIONS.values()),
    *(f"@{spec.name} " for spec in OPERATORS.values()),
    *(f"ctl:{spec.name}=" for spec in CTL.values()),
    *(
        '"',
        "'",
        "\\",
        "\\\n",
        "\n",
        "#",
        "`",
        "%{",
        "}",
        "|",
        ",",
        ";",
        ":",
        "!",
        "&",
        "/",
        " ",
        "\t",
        "\r",
        "\0",
        "=",
    ),
    *("id:1", "chain", "tx.", "-", "1", "99999999999999999999", "é", "\xff", "(?=a)", "(a", "[", "On", "Off", "\\x"),
]
PIECES = st.one_of(
    st.sampled_from(LINES), st.sampled_from(WORDS).map(lambda w: w.encode("latin-1")), st.binary(max_size=6)
)
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.2), PIECES), max_size=6)


def stained(seed: bytes, changes: list[tuple[float, float, bytes]]) -> bytes:
    """The seed with pieces in the place of others."""
    for at, length, piece in changes:
        start = int(at * len(seed))
        seed = seed[:start] + piece + seed[start + int(length * len(seed)) :]
    return seed


def check(text: bytes) -> None:
    rows = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    try:
        found = lower(parse(text, "f.conf"), lambda _: b"a\n10.0.0.1\n").notices
    except ManyErrors as many:
        found = many.errors
    except RuleError as error:
        found = [error]
    for each in found:
        assert each.where.file == "f.conf"
        # Of a file without anything in it there is no line to name.
        assert (each.message != "there is nothing in this file") <= each.where.line <= len(rows)
        assert min(each.where.line, 1) <= each.where.column <= len(rows[each.where.line - 1]) + 1


@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_pieces(text: bytes) -> None:
    check(text)


@given(st.sampled_from(SEEDS), CHANGES)
def test_stained_configurations(seed: bytes, changes: list[tuple[float, float, bytes]]) -> None:
    check(stained(seed, changes))
