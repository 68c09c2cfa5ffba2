import pytest
from builders import condition
from generated import texts, values
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from revproxy.detection.link.patterns import STAND_IN
from revproxy.detection.link.required import COMMON, SOURCES, consumed, required
from revproxy.detection.operators.rx import matcher
from revproxy.detection.patterns import PatternError, bytesets, parse
from revproxy.detection.transformations import TRANSFORMATIONS

CASES = [
    ("a<b", "", []),
    ("a<b", "htmlEntityDecode removeWhitespace", [b"<&", b"<"]),
    (r"<|\(", "urlDecodeUni", [b"<(%"]),
    ("<?x", "urlDecodeUni", [b""]),
    ("a+b", "urlDecodeUni", [b""]),
    (r"/[<>]", "normalizePathWin urlDecode", [b"<>%", b"<>%"]),
    (r"\.\./", "normalizePathWin urlDecode", [b".%", b".%"]),
    (r"\x00", "urlDecodeUni", [STAND_IN + b"%"]),
    ("<", "base64Decode removeWhitespace", [b"", b"<"]),
    ("%", "utf8toUnicode", [b"%" + STAND_IN + bytes(range(0x80, 0x100))]),
]
PIECES = [
    b"%3c",
    b"+",
    b"&lt;",
    b"&#60;",
    rb"\x3c",
    rb"\3c ",
    b"<",
    b"/*",
    b"*/",
    b"/../",
    b"\\",
    b"\0",
    b"a",
    b" ",
    b".",
]
pieces = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=6).map(b"".join)


@pytest.mark.parametrize(("pattern", "chain", "want"), CASES)
def test_required(pattern, chain, want):
    names = chain.split()
    assert required(condition(["args"], ("rx", pattern), chain=names), names) == tuple(map(bytesets.of, want))


def test_every_operator_must_say_something():
    assert required(condition(["args"], ("rx", "<"), ("rx", "b")), ["trim"]) == (0,)
    assert required(condition(["args"], ("rx", "<"), ("rx", ">")), ["trim"]) == (bytesets.of(b"<>"),)


@settings(deadline=None)
@given(texts, values)
def test_every_match_consumes_one(text, value):
    try:
        tree = parse(text)
    except PatternError:
        assume(False)
    wanted = consumed(tree)
    if wanted and matcher(tree).test(value):
        assert any(wanted >> byte & 1 for byte in value)


@pytest.mark.parametrize("name", sorted(SOURCES))
@settings(deadline=None, max_examples=200)
@given(value=pieces, wanted=st.binary(min_size=1, max_size=3))
def test_what_a_transformation_makes_has_a_source(name, value, wanted):
    wanted = bytesets.of(wanted) & ~COMMON
    source = SOURCES[name](wanted)
    if any(wanted >> byte & 1 for byte in TRANSFORMATIONS[name](value)):
        assert any(source >> byte & 1 for byte in value)
