"""A value that an operator accepts has a match of the operator's necessary condition."""

import hyperscan
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.detection.link.needs import needs_of, scannable
from revproxy.detection.link.patterns import STAND_IN, Shape, forms
from revproxy.detection.operators import OPERATORS, compile_operator
from revproxy.detection.operators.xss_tokens import is_xss
from revproxy.detection.rules import Condition, Operator

ARGUMENTS = {
    "rx": ["a", "^a$", r"b\z", "(?i)Ab", "", r"\bab"],
    "pm": [("ab", "B c"), "ab |41 42| c", ("é",)],
    "contains": ["ab", "", "é"],
    "containsWord": ["ab"],
    "strmatch": ["ab"],
    "streq": ["ab", ""],
    "beginsWith": ["ab"],
    "endsWith": ["ab"],
    "within": ["ab ab", ""],
    "validateByteRange": ["97-98", "0-255", "32,97-98"],
    "validateUtf8Encoding": [""],
    "validateUrlEncoding": [""],
    "detectXSS": [""],
    "noMatch": [""],
    "rxGlobal": ["a+b"],
    **{name: [r"[a-c]\d"] for name in ("verifyCC", "verifyCPF", "verifySSN", "verifySVNR")},
}
CASES = [(name, a) for name, arguments in ARGUMENTS.items() for a in arguments]
PIECES = [b"a", b"b", b"A", b"AB", b" ", b"\n", b"\xc3\xa9", b"\xff", b"%", b"<script>", b"onload=", b"\0", b"c"]
values = st.lists(st.sampled_from(PIECES), max_size=5).map(b"".join) | st.binary(max_size=8)


@pytest.mark.parametrize(("name", "argument"), CASES)
def test_necessary(name, argument):
    operator = Operator(name, argument)
    test = compile_operator(operator).test
    texts = [f.joined for f in (forms(n, Shape()) for n in needs_of(operator)) if f.joined is not None]
    hits = scanner(texts)

    @settings(max_examples=60, deadline=None)
    @given(values)
    def check(value):
        if test(value):
            assert hits(value.replace(b"\0", STAND_IN))

    check()


NAMES = (
    b"action by dynsrc formaction from href src style to values onclick onload ONERROR on xmlns:x xlink:href".split()
)
MARKS = [*(bytes([b]) for b in b"\0\t\n\x0b\x0c\r '\"`/>-!&;%\xff\x01x1:"), b"=", b"javascript:", b"data:", b"[["]
attributes = st.lists(st.sampled_from(NAMES) | st.sampled_from(MARKS), max_size=9).map(b"".join)


@pytest.mark.parametrize("accepts", [compile_operator(Operator("detectXSS")).test, is_xss])
def test_no_script_injection_is_missed(accepts):
    hits = scanner([f.joined for f in (forms(n, Shape()) for n in needs_of(Operator("detectXSS")))])

    @settings(max_examples=2500, deadline=None)
    @given(attributes)
    def check(value):
        if accepts(value):
            assert hits(value.replace(b"\0", STAND_IN))

    check()


@pytest.mark.parametrize("text", [b"session=1; theme=light; tone=on", b"a=1&to=2&onward=3", b"next=/from/here"])
def test_ordinary_pairs_are_no_script_injection(text):
    hits = scanner([f.joined for f in (forms(n, Shape()) for n in needs_of(Operator("detectXSS")))])
    assert not hits(text)


def scanner(texts):
    if not texts:
        return lambda value: False
    flags = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_ALLOWEMPTY | hyperscan.HS_FLAG_SINGLEMATCH
    database = hyperscan.Database()
    database.compile(expressions=texts, ids=[0] * len(texts), flags=[flags] * len(texts))
    database.scratch = hyperscan.Scratch(database)

    def hits(value):
        found = []
        database.scan(value, lambda *match: found.append(match))
        return bool(found)

    return hits


def test_negations_and_numbers_have_none():
    assert needs_of(Operator("rx", "a", negated=True)) is None
    assert needs_of(Operator("eq", "1")) is None
    assert not scannable(Condition((), (Operator("rx", "a"), Operator("eq", "1"))))


def test_table_covers_what_is_not_numeric():
    without = {n for n in OPERATORS if needs_of(Operator(n, ARGUMENTS.get(n, [""])[0])) is None}
    assert without == {
        "detectShell", "detectSQL", "detectTemplate", "eq", "ge", "gt", "ipMatch", "le", "lt", "restpath",
        "unconditionalMatch", "validateNid",
    }  # fmt: skip
