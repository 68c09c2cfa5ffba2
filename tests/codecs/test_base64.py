from __future__ import annotations

import re
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.base64 import MARK, WRAPPED, decode_forgiving, decode_strict, encode, unwrap, unwrap_more


@given(st.binary(max_size=60))
def test_round_trip(value: bytes) -> None:
    text = encode(value)
    assert decode_strict(text) == value
    assert decode_forgiving(text) == value
    assert decode_forgiving(b"!".join(text[i : i + 1] for i in range(len(text)))) == value


@given(st.one_of(st.binary(max_size=30), st.text(alphabet="QUJD=\r\n \0+/", max_size=20).map(str.encode)))
def test_never_fails(value: bytes) -> None:
    decode_strict(value)
    decode_forgiving(value)


@pytest.mark.parametrize(
    ("value", "strict", "forgiving"),
    [
        (b"QUJD", b"ABC", b"ABC"),
        (b"QU\r\nJD  \n ", b"ABC", b"ABC"),
        (b"QU JD", b"QU JD", b"ABC"),
        (b"QUI", b"QUI", b"AB"),
        (b"QUJD=", b"QUJD=", b"ABC"),
        (b"Q=UJD", b"Q=UJD", b""),
        (b"QUJD\0?", b"ABC", b"ABC"),
        (b"====", b"====", b""),
    ],
)
def test_cases(value: bytes, strict: bytes, forgiving: bytes) -> None:
    assert (decode_strict(value), decode_forgiving(value)) == (strict, forgiving)


TEXT = st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=9, max_size=60)
WORDS = TEXT.map(str.encode)
RUN = rb"[A-Za-z0-9+/_-]{12}|[A-Za-z0-9+/_-]{10}="
AROUND = st.sampled_from([b"", b"{", b'"', b"a=", b"/x/", b" ", b"q.", b"(", b"\n"])


@given(WORDS, AROUND, AROUND)
def test_a_text_is_unwrapped_wherever_it_stands(text: bytes, before: bytes, behind: bytes) -> None:
    digits = encode(text).rstrip(b"=")
    wanted = MARK + text
    if behind[:1] not in (b"", b"/", b"a", b"q", b" "):
        assert wanted in unwrap(before.replace(b"/x/", b"?") + digits + behind)
    assert wanted in unwrap(urlsafe_b64encode(text))
    as_in_a_form = encode(text).replace(b"+", b" ")
    assert wanted in unwrap(as_in_a_form) or re.search(RUN, as_in_a_form) is None


@given(WORDS)
def test_each_layer_is_marked_once_more(text: bytes) -> None:
    twice = unwrap(encode(encode(text)))
    assert twice.startswith(MARK)
    assert not twice.startswith(MARK * 2)
    assert MARK * 2 + text in unwrap_more(twice)


@given(
    st.one_of(st.binary(max_size=60), WORDS.map(encode), st.text(alphabet="Aa0+/-_= .", max_size=40).map(str.encode))
)
def test_what_holds_no_run_of_digits_is_left_alone(value: bytes) -> None:
    if re.search(WRAPPED.encode(), value) is None:
        assert unwrap(value) == value
    if not value.startswith(MARK):
        assert unwrap_more(value) == value


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (b"hello world, nothing here", None),
        (b"a-long-name-made-of-words", None),
        (b"550e8400e29b41d4a716446655440000", None),
        (b"PHNjcmlwdD4xPC9zY3JpcHQ-", b"\x1e<script>1</script>"),
        (b"/item/PHNjcmlwdD4xPC9zY3JpcHQ/view", b"\x1e<script>1</script"),
        (b"eyJhIjoiYiJ9fQ.eyJzdWIiOiJ4In0.c2ln", b'\x1e{"a":"b"}}\x1e{"sub":"x"}'),
        (b"e3s3Kjd9fQ==", b"\x1e{{7*7}}"),
        (b"SQBFAFgAIAAoAA==", b"\x1eI\0E\0X\0 \0(\0"),
    ],
)
def test_unwrapped(value: bytes, wanted: bytes | None) -> None:
    assert unwrap(value) == (value if wanted is None else wanted)
