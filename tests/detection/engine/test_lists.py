import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.engine.lists import many
from revproxy.detection.transformations import TRANSFORMATIONS

pieces = st.sampled_from([b"Zm9v", b"a", b"=", b" ", b"\0", b"-", b"\xff", b"ab+/"])
values = st.lists(st.lists(pieces, max_size=5).map(b"".join) | st.binary(max_size=9), min_size=1, max_size=5)


@pytest.mark.parametrize("name", ["base64DecodeExt", "urlDecodeUni", "length"])
@given(values)
def test_is_each_value_transformed(name, given_values):
    assert many(name)(given_values) == [TRANSFORMATIONS[name](v) for v in given_values]
