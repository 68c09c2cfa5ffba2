from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.link.chains import FOLDED_CMDLINE, FOLDED_DECODE, fold, function_of, trigger_of
from revproxy.detection.link.patterns import Shape, forms
from revproxy.detection.operators import compile_operator
from revproxy.detection.operators.rx import compile_re2, matcher
from revproxy.detection.patterns import parse
from revproxy.detection.rules import Operator
from revproxy.detection.transformations import TRANSFORMATIONS

CASES = [
    ("", ((), False)),
    ("none", ((), False)),
    ("lowercase", ((), True)),
    ("urlDecodeUni lowercase compressWhitespace", (("urlDecodeUni", "compressWhitespace"), True)),
    ("lowercase urlDecodeUni", (("lowercase", FOLDED_DECODE), False)),
    ("lowercase urlDecodeUni lowercase", (("lowercase", FOLDED_DECODE), True)),
    ("urlDecodeUni removeWhitespace", (("urlDecodeUni", "removeWhitespace"), False)),
    ("urlDecodeUni cmdLine lowercase", (("urlDecodeUni", FOLDED_CMDLINE), True)),
    ("lowercase base64Decode", (("lowercase", "base64Decode"), False)),
]


def test_fold():
    for names, (left, folded) in CASES:
        got = fold(tuple(names.split()))
        assert (got.names, got.folded) == (left, folded), names


@given(st.binary(max_size=30) | st.text("aA ,;^\"'\\/(\n\t", max_size=20).map(str.encode))
def test_cmdline_without_its_trigger_only_lowers(value):
    trigger = compile_operator(Operator("rx", trigger_of(FOLDED_CMDLINE)))
    if not trigger.test(value):
        assert TRANSFORMATIONS[function_of(FOLDED_CMDLINE)](value) == value.lower()


BLIND = ["htmlEntityDecode", "jsDecode", "cssDecode", "removeNulls", "replaceComments", "lowercase", "uppercase"]
PIECES = [b"+", b" ", b"&lt", b"&#60", b"&gt;", b"\\x3c", b"\\3c", b"/*", b"*/", b"\0", b"a", b"Z", b"&#x3C", b"&"]


@given(
    st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join),
    st.lists(st.sampled_from(BLIND), max_size=3),
    st.sampled_from([r"[^b]< ", r"a b|z\b", r"^ ?<", r"(?i)A[ -,]", r"\+", r"\s$", r" /"]),
)
def test_a_plus_sign_may_stand_for_a_space(value, after, pattern):
    """Where the trigger does not fire, what matches the decoded value is found in the value as it is."""
    chain = fold(("urlDecodeUni", *after))
    assert chain.plus
    if compile_operator(Operator("rx", trigger_of(FOLDED_DECODE))).test(value):
        return
    tree = parse(pattern)
    forms_of = forms(tree, Shape(plus=True))
    raw, decoded = value, TRANSFORMATIONS["urlDecodeUni"](value)
    for name in after:
        raw, decoded = TRANSFORMATIONS[name](raw), TRANSFORMATIONS[name](decoded)
    if matcher(tree).test(decoded):
        assert compile_re2(forms_of.joined, captures=False).search(raw.replace(b"\0", b"\1"))
