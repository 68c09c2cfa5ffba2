import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.engine.lists import JOINABLE, MARKS, many
from revproxy.detection.transformations import TRANSFORMATIONS

TEXT = "% %4 1 %u00 4 %u0041 %41 %00 + & &# &#0; &#65 ; &lt gt; x41; \\ /* */ A Z ( / ^ ' , ;"
ODD = [*map(str.encode, TEXT.split()), b"  ", b"\t", b"\n", b"\xc2\xa0"]
pieces = st.sampled_from([b"Zm9v", b"a", b"=", b" ", b"\0", b"-", b"\xff", b"ab+/", *ODD, b"abcd", b"QUJD"])
values = st.lists(st.lists(pieces, max_size=5).map(b"".join) | st.binary(max_size=9), min_size=1, max_size=5)


@pytest.mark.parametrize("name", ["base64Decode", "base64DecodeExt", "length", "utf8toUnicode", *JOINABLE, *MARKS])
@given(values)
def test_is_each_value_transformed(name, given_values):
    assert many(name)(given_values) == [TRANSFORMATIONS[name](v) for v in given_values]
