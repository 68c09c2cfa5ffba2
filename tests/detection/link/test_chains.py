from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.link.chains import FOLDED_CMDLINE, fold, function_of, trigger_of
from revproxy.detection.operators import compile_operator
from revproxy.detection.rules import Operator
from revproxy.detection.transformations import TRANSFORMATIONS

CASES = [
    ("", ((), False)),
    ("none", ((), False)),
    ("lowercase", ((), True)),
    ("urlDecodeUni lowercase compressWhitespace", (("urlDecodeUni", "compressWhitespace"), True)),
    ("lowercase urlDecodeUni", (("lowercase", "urlDecodeUni"), False)),
    ("lowercase urlDecodeUni lowercase", (("lowercase", "urlDecodeUni"), True)),
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
