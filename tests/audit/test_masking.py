"""The quick look never hides a secret from the thorough one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.audit import masking
from revproxy.audit.masking import MASK, Mask, hinted, mask, mask_cards, may_mask, may_tell, seeded

MASKS = {
    **{name: one for name, one in vars(masking).items() if isinstance(one, Mask)},
    **{f"credentials-{at}": one for at, one in enumerate(masking._CREDENTIALS.masks)},
}
_WORDS = rb"""
    password pw sid code=abcdefghijklmnopq auth plain basic bearer eyJabcdefgh.x cookie: set-cookie : token key
    -----BEGIN PRIVATE KEY----- RSA name= value= value <![CDATA[ verify reset preset preset/ /token /a/ 4111 1111
    4111111111111111 12345678-1234-1234-1234-123456789012 :// user:pw@ @ %20 %3d = ' " \" < > / ? & .. - +
"""
PIECES = [*_WORDS.split(), *(bytes([byte]) for byte in b" \n\r\t\x0b\x0c\0\xa0\xe9"), b"\r\n\r\n"]
_SEEDS = b"""
    pass pw secr tok key cred auth sess otp srf kennw cv numb code ssn pin sid jwt sig puk tan
    bearer basic nego digest ntlm cookie eyj ----- reset verif @://
"""
texts = st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join)


@pytest.mark.parametrize("name", MASKS)
def test_what_is_looked_at_first_is_found_wherever_the_pattern_matches(name: str) -> None:
    one = MASKS[name]
    matched = 0

    @given(texts)
    def both(text: bytes) -> None:
        nonlocal matched
        thorough = one._pattern.sub(one._put, text)
        matched += thorough != text
        assert one.over(text) == thorough

    both()


@given(texts)
def test_one_look_at_a_text_is_enough_where_nothing_is_masked(text: bytes) -> None:
    low = text.lower()
    assert may_mask(text) or mask(text, low, low.decode("latin-1")) == text
    assert mask_cards(text) == masking._CARD.over(text)


@given(texts)
def test_one_look_finds_every_seed_and_hint(text: bytes) -> None:
    look = text.lower().decode("latin-1")
    assert may_tell(text) or not (seeded(look) or hinted(look))


@pytest.mark.parametrize("word", _SEEDS.split())
def test_every_seed_is_found_by_itself(word: bytes) -> None:
    look = word.decode()
    assert seeded(look) or hinted(look)
    assert may_tell(word)
    assert may_tell(b"x" + word.upper())


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (b"login password=hunter2&x=1", b"login password=" + MASK + b"&x=1"),
        (b'{"api_key": "abc"}', b'{"api_key": "' + MASK + b'"}'),
        (b"<password>hunter2</password>", b"<password>" + MASK + b"</password>"),
        (b'<add key="password" value="x"/>', b'<add key="password" value="' + MASK + b'"/>'),
        (b'name="pwd"\r\n\r\nhunter2', b'name="pwd"\r\n\r\n' + MASK),
        (b"Authorization: Basic abcdefgh", b"Authorization: " + MASK),
        (b"x eyJabcdefghijk.l.m", b"x " + MASK),
        (b"x EYJabcdefghijk.l.m", b"x EYJabcdefghijk.l.m"),
        (b"ftp://user:pw@host/", b"ftp://user:" + MASK + b"@host/"),
        (b"/reset/token/abcdef", b"/reset/token/" + MASK),
        (b"code=abcdefghijklmnopqrst", b"code=" + MASK),
        (b"union select password,2 from users", b"union select password,2 from users"),
    ],
)
def test_masks_what_is_secret(text: bytes, masked: bytes) -> None:
    low = text.lower()
    assert mask(text, low, low.decode("latin-1")) == masked


def test_masks_card_numbers_by_their_sum() -> None:
    assert mask_cards(b"4111 1111 1111 1111 and 4111111111111112") == MASK + b" and 4111111111111112"
    assert mask_cards(b"41111111-1111-1111-1111-111111111111") == b"41111111-1111-1111-1111-111111111111"
    assert re.search(rb"\d", mask_cards(b"411111111111111"))
