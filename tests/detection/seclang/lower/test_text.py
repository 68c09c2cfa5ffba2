import re2
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.operators.rx import rx
from revproxy.detection.seclang.lower.text import exactly


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_only_the_text_itself(text, other):
    test = rx(exactly(text)).test
    assert test(text)
    assert test(other) == (text == other)
    assert not test(text + b"x")
    assert re2.compile(exactly(text).encode()) is not None
