"""The table, negation, and what a compiled operator gives."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manual import told

from revproxy.detection.operators import (
    FILE_OPERATORS,
    OPERATORS,
    ArgumentError,
    Captures,
    CompiledOperator,
    check_operator,
    compile_operator,
    libinjection_source,
    operator_texts,
)
from revproxy.detection.rules import Operator

ARGUMENTS = {
    "ipMatch": "10.0.0.0/8",
    "validateUrlEncoding": "",
    "detectSQLi": "",
    "detectXSS": "",
    "detectShell": "",
    "detectSQL": "",
    "detectTemplate": "",
    "validateByteRange": "32-126",
    "validateNid": "us a",
}

# name, argument, value, span or None, groups
CASES = [
    ("rx", r"b(c)?(d)", b"abd", (1, 3), (b"bd", None, b"d")),
    ("rx", "(?i)SELECT", b"x select", (2, 8), (b"select",)),
    ("rxGlobal", "a(b)?", b"xabba", (1, 3), (b"ab", b"b", b"a", *[None] * 7)),
    ("pm", "Foo bar", b"a FOOD", (2, 5), (b"FOO",)),
    ("pm", "ab abc", b"xABCx", (1, 4), (b"ABC",)),
    ("pm", ("a b", "zz"), b"xa b", (1, 4), (b"a b",)),
    ("pm", "x|41 20|y", b"xa y", (0, 4), (b"xa y",)),
    ("contains", "bc", b"abcd", (1, 3), ()),
    ("contains", "bc", b"aBCd", None, ()),
    ("containsWord", "bc", b"a bc", (1, 4), ()),
    ("beginsWith", "ab", b"abc", (0, 2), ()),
    ("endsWith", "bc", b"abc", (1, 3), ()),
    ("streq", "abc", b"abc", (0, 3), ()),
    ("within", "GET POST", b"POST", (0, 4), ()),
    ("validateByteRange", "32-126", b"ab\x00c", (2, 3), ()),
    ("validateUrlEncoding", "", b"a%20%zz", (4, 7), ()),
    ("validateUtf8Encoding", "", b"a\xffb", (1, 2), ()),
    ("eq", "5", b" 5x", (0, 3), ()),
    ("gt", "5", b"9" * 10_000, (0, 10_000), ()),
    ("ipMatch", "10.0.0.0/8", b"10.1.2.3", (0, 8), ()),
    ("unconditionalMatch", "", b"", (0, 0), ()),
    ("noMatch", "", b"x", None, ()),
    ("detectXSS", "", b"<script>", (0, 8), (b"<script>",)),
    ("detectShell", "", b";cat /etc/hosts", (0, 15), ()),
    ("detectSQL", "", b"x' or a='b", (0, 10), ()),
    ("detectTemplate", "", b"{{7*7}}", (0, 7), ()),
    ("verifySSN", r"\d{9}", b"x574578065", (1, 10), (b"574578065",)),
    ("validateNid", r"us \d{9}", b"x574578065", (1, 10), (b"574578065",)),
    ("restpath", "/{id}/x", b"/1/x", (0, 4), ()),
]

WRONG = [
    ("rx", "a(?=b)", 1),
    ("rx", "(?:a{1000}){1000}", None),
    ("pm", "  ", None),
    ("pm", (), None),
    ("ipMatch", "10.0.0.1,nope", 9),
    ("ipMatch", "", None),
    ("validateByteRange", "1-5,300", 4),
    ("validateUrlEncoding", "x", None),
    ("detectSQLi", "x", None),
    ("streq", ("a", "b"), None),
]


@pytest.mark.parametrize(("name", "argument", "value", "span", "groups"), CASES)
def test_what_it_finds(
    name: str, argument: str | tuple[str, ...], value: bytes, span: tuple[int, int] | None, groups: Captures
) -> None:
    operator = compile_operator(Operator(name, argument))
    assert operator(value) == (span is not None)
    assert operator.span(value) == span
    assert operator.groups(value) == groups


@pytest.mark.parametrize(("name", "argument", "value", "span", "groups"), CASES)
def test_from_what_was_worked_out_before_it_is_the_same(
    name: str, argument: str | tuple[str, ...], value: bytes, span: tuple[int, int] | None, groups: Captures
) -> None:
    plain = Operator(name, argument)
    texts = operator_texts(plain)
    assert (texts is not None) is (name in {"pm", "rx"})
    known = {} if texts is None else {plain: texts}
    operator = compile_operator(plain, pickle.loads(pickle.dumps(known)))
    operator.ready()
    assert (operator.span(value), operator.groups(value)) == (span, groups)


def test_a_template_has_no_texts() -> None:
    assert operator_texts(Operator("rx", "", template=(b"a",))) is None


@pytest.mark.parametrize(("name", "argument", "offset"), WRONG)
def test_wrong_arguments(name: str, argument: str | tuple[str, ...], offset: int | None) -> None:
    with pytest.raises(ValueError) as caught:
        OPERATORS[name](argument)
    assert getattr(caught.value, "offset", None) == offset


@pytest.mark.parametrize("name", OPERATORS)
@given(value=st.binary(max_size=40))
def test_negation_is_the_opposite_and_nothing_fails(name: str, value: bytes) -> None:
    plain, negated = _pair(name)
    assert plain(value) is not negated(value)
    assert (plain.span(value) is not None) == plain(value)
    assert negated.groups(value) == ()


_pairs: dict[str, tuple[CompiledOperator, CompiledOperator]] = {}


def _pair(name: str) -> tuple[CompiledOperator, CompiledOperator]:
    if name not in _pairs:
        argument = ARGUMENTS.get(name, "" if "validate" in name else "a")
        _pairs[name] = (
            compile_operator(Operator(name, argument)),
            compile_operator(Operator(name, argument, negated=True)),
        )
    return _pairs[name]


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        compile_operator(Operator("geoLookup", ""))


def test_the_source_of_libinjection_is_told() -> None:
    assert libinjection_source() in {"libmodsecurity wheel", "system libmodsecurity", "own tokenizers"}


def test_the_manual_names_them_all() -> None:
    there = {name for name, row in told("Operators").items() if row.fate == "yes"}
    assert there == OPERATORS.keys() - {"detectShell", "detectSQL", "detectTemplate"} | FILE_OPERATORS.keys()


def test_what_can_be_compiled_is_found_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = OPERATORS["rx"]
    monkeypatch.setitem(OPERATORS, "rx", lambda argument: made.append(str(argument)) or real(argument))
    for _ in range(2):
        check_operator(Operator("rx", "found out once"))
        with pytest.raises(ArgumentError):
            check_operator(Operator("rx", "not (closed"))
    assert made == ["found out once", "not (closed", "not (closed"]
