from base64 import b64encode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from revproxy.detection.link.chains import LONG_BASE64, fold
from revproxy.detection.link.hints import BACK, CODED, coded, hint
from revproxy.detection.link.patterns import STAND_IN
from revproxy.detection.operators.rx import matcher
from revproxy.detection.patterns import bytesets, parse, separator_safe
from revproxy.detection.transformations import TRANSFORMATIONS

CASES = [
    ("zebra", "removeWhitespace", [b"z e bra", b"zebra"], [b"zeb a", b"x"]),
    ("zebra", "urlDecodeUni", [b"%7aebra", b"zeb%u0072a", b"zebra"], [b"zeb%20ra", b"%7a"]),
    ("zebra", "urlDecodeUni removeWhitespace", [b"zeb%20ra", b"zeb+ra"], [b"%20"]),
    ("ze bra", "compressWhitespace", [b"ze \t bra"], [b"zebra"]),
    ("ze bra", "replaceComments", [b"ze/**/bra", b"ze bra"], [b"*/*", b"z/*"]),
    ("zebra", "replaceComments removeWhitespace", [b"ze/*x*/bra", b"z /*"], [b"*/*", b"zab"]),
    ("zebra", "cmdLine", [b'z"e^BRA', b"z,e;bra"], [b"zeb/ra"]),
    ("etc/zebra", "normalizePath", [b"etc/./zebra"], [b"etc/x"]),
    ("zebra", "jsDecode", [rb"\x7aebra", rb"z\ebra"], [rb"\q", rb"\-"]),
    ("zebra", "cssDecode", [rb"\7a ebra"], [b"7a"]),
    ("zebra", "htmlEntityDecode", [b"&#122;ebra", b"&quot;"], [b"&a=b", b"a & b"]),
    ("zebra", "utf8toUnicode urlDecodeUni", [b"\xc5\xbaebra"], [b"plain"]),
    ("zebra", "removeCommentsChar", [b"ze--bra", b"ze<!--bra"], [b"ze+bra"]),
    ("ze bra", "replaceNulls", [b"ze" + STAND_IN + b"bra"], [b"zebra"]),
    ("zebra", "removeNulls lowercase", [b"ze" + STAND_IN + b"BRA"], [b"ze-bra"]),
    ("ZEBRA", "uppercase", [b"zebra"], [b"zeb"]),
]
NONE = [
    ("e", "removeWhitespace"),
    ("zebra", "md5"),
    ("zebra", "removeComments"),
    ("zebra", "lowercase base64Decode"),
    ("zebra", "htmlEntityDecode base64Decode"),
    # A path is brought together, and what is taken out of it afterwards may be a part of one.
    ("zebra", "normalizePath removeCommentsChar"),
    ("zebra", ""),
]
PIECES = [
    *(
        b"z",
        b"e",
        b"br",
        b"a",
        b"Z",
        b" ",
        b"\t",
        b"/",
        b"/../",
        b"/./",
        b"\\",
        b"//",
        b".",
        b"%7a",
        b"%65",
        b"%u0062",
    ),
    *(b"%20", b"+", b"%2f", b"%5c", b"&#122;", b"&#x65", b"&quot;", b"&lt;", rb"\x7a", rb"\145", rb"\65 ", rb"\e"),
    *(b"/*", b"*/", b"--", b"#", b"<!--", b"\0", b"\xc5\xba", b"\xa0", b'"', b"^", b",", b"(", b"x", b"%25", b"7a"),
]
pieces = st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join)
chains = st.lists(st.sampled_from(sorted(set(BACK) - {"base64Decode"})), min_size=1, max_size=4)
PATTERNS = ["zebra", "ze", "z[eE]br", "ze b", "(?i)ZEBRA|e/b", "z.?e", "e{2}b", r"z\x00", r"/e|\\b", r"[^z]z"]


def found(tree, value):
    """What a scan of a value does: a NUL in it is replaced, and what takes a NUL takes that."""
    return matcher(separator_safe(tree, bytesets.of(STAND_IN))).test(value.replace(b"\0", STAND_IN))


@pytest.mark.parametrize(("text", "chain", "with_hint", "without"), CASES)
def test_hints(text, chain, with_hint, without):
    tree = hint(chain.split(), [parse(text)])
    assert [v for v in with_hint if not found(tree, v)] == []
    assert [v for v in without if found(tree, v)] == []


@pytest.mark.parametrize(("text", "chain"), NONE)
def test_where_nothing_can_be_said(text, chain):
    assert hint(chain.split(), [parse(text)]) is None


@settings(deadline=None, max_examples=1500)
@given(st.sampled_from(PATTERNS), chains, pieces)
@example("zebra", ["replaceComments", "cmdLine"], b"ze/**/bra")
@example("zebra", ["urlDecodeUni", "removeWhitespace"], b"ze%20bra")
@example("z[eE]br", ["htmlEntityDecode", "urlDecode"], b"&#37;7aebra")
def test_no_form_matches_without_a_hint(text, chain, value):
    pattern = parse(text)
    tree = hint(chain, [pattern])
    form = value
    for name in chain:
        form = TRANSFORMATIONS[name](form)
        if tree is not None and matcher(pattern).test(form):
            assert found(tree, value)


@pytest.mark.parametrize(
    ("chain", "want"),
    [
        ("removeWhitespace base64Decode", 1),
        ("base64Decode lowercase", 0),
        ("lowercase base64Decode", None),
        ("removeWhitespace", None),
    ],
)
def test_where_base64_is_decoded(chain, want):
    assert coded(chain.split()) == want
    assert (hint(chain.split(), [parse("zebra")]) is None) == (chain == "lowercase base64Decode")


def test_a_folded_chain_is_read_as_what_it_carries_out():
    chain = fold(("urlDecodeUni", "base64Decode", "lowercase"), 5)
    assert chain.names == ("urlDecodeUni", LONG_BASE64)
    assert coded(chain.names) == 1


@settings(deadline=None)
@given(st.binary(max_size=12), st.lists(st.sampled_from([b" ", b"\n", b"%2B", rb"\x2f", b"\xa0"]), max_size=3))
def test_what_base64_decodes_is_made_of_its_digits(data, between):
    """Also where they are escaped, or have white space among them."""
    digits = b64encode(data)
    value = b"".join(
        part + mark for part, mark in zip([digits[:4], digits[4:], b""], [*between, b"", b"", b""], strict=False)
    )
    form = value
    for name in ("urlDecodeUni", "jsDecode", "removeWhitespace"):
        form = TRANSFORMATIONS[name](form)
    if TRANSFORMATIONS["base64Decode"](form) != form:
        assert not value.translate(None, CODED)
