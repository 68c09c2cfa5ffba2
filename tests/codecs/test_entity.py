from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.entity import decode_entities


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (b"&lt;&GT;&amp;&quot;&nbsp;", b'<>&"\xa0'),
        (b"&lt&#60&#x3c&#X3C;", b"<<<<"),
        (b"&ltfoo;bar", b"<bar"),
        (b"&copy;&#;&#x;&", b"&copy;&#;&#x;&"),
        (b"&#" + b"0" * 5000 + b"60;", b"<"),
        (b"&#" + b"9" * 5000 + b";", b"\xff"),
        (b"&#x13c;", b"<"),
    ],
)
def test_cases(value: bytes, want: bytes) -> None:
    assert decode_entities(value) == want


@given(st.text(alphabet="&#xX;019aflgtLGTampquonbs", max_size=30).map(str.encode))
def test_never_longer(value: bytes) -> None:
    assert len(decode_entities(value)) <= len(value)
