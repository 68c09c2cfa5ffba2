"""What is taken out of every record: nothing that a person keeps secret reaches a log.

Secret are the values of header fields and arguments with telling names, all cookies, credentials of AUTH and
Authorization wherever they stand, private keys, tokens and payment card numbers. In doubt more is masked: an excerpt
is for recognising an attack, not for reading the message. Names are recognised plain and percent-encoded (twice at
most); what is encrypted, compressed or split over values is not recognised.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from revproxy.audit.masking import MASK, hinted, mask, mask_cards, may_hold_card, may_mask, may_tell, seeded
from revproxy.codecs.marks import PERCENT
from revproxy.codecs.percent import decode_percent

EXCERPT_CHARS: Final = 128
FINDING_VALUE_BYTES: Final = 512
"""`Finding.value` is cut to this; a value of that size has its match in the middle."""

SECRET_WORDS: Final[tuple[bytes, ...]] = (
    b"password",
    b"passwd",
    b"passwort",
    b"passphrase",
    b"passcode",
    b"passwrd",
    b"kennwort",
    b"motdepasse",
    b"pwd",
    b"secret",
    b"token",
    b"apikey",
    b"accesskey",
    b"privatekey",
    b"sharedkey",
    b"credential",
    b"authoriz",
    b"authcode",
    b"authkey",
    b"sessionid",
    b"sessid",
    b"sessionkey",
    b"otp",
    b"csrf",
    b"xsrf",
    b"cvv",
    b"cvc",
    b"cardnumber",
    b"ccnumber",
    b"securitycode",
    b"ssn",
)
"""A name that contains one of these, without regard to case and to `_ - . [ ]` and blanks, is secret."""
SECRET_NAMES: Final = frozenset(
    {b"pass", b"pin", b"pw", b"sid", b"auth", b"jwt", b"sig", b"signature", b"puk", b"tan", b"codeverifier"}
)
"""A name that is one of these is secret; as parts of longer names they are too common."""
_PASS: Final = re.compile(
    rb"(?:old|new|my|user|login|admin|db|confirm|repeat|retype|verify)?pass"
    rb"(?:[0-9]{1,3}|confirm(?:ation|ed)?|repeat(?:ed)?|retype|again|check|verify|old|new|current|hash)?"
)
"""`pass` with what forms add to it; alone it is part of many words (compass, passenger)."""
SECRET_HEADERS: Final = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"cookie",
        b"cookie2",
        b"set-cookie",
        b"www-authenticate",
        b"proxy-authenticate",
        b"authentication-info",
        b"x-amz-signature",
        b"x-original-authorization",
        b"x-forwarded-authorization",
    }
)
_SEPARATORS: Final = re.compile(rb"[_\-.\[\] +]+")
_PIECES: Final = re.compile(rb"([&?;\s])")


def _decoded(low: bytes) -> bytes:
    """Percent-decoded twice, in lower case."""
    return decode_percent(decode_percent(low)).lower()


@lru_cache(maxsize=4_096)
def is_secret_name(name: bytes) -> bool:
    """Whether the value of an argument, JSON member or header field of that name is masked.

    Remembered, because names repeat where values do not; names in use are at most a head's length.
    """
    low = name.lower()
    if PERCENT in low:
        low = _decoded(low)
    bare = _SEPARATORS.sub(b"", low)
    if not seeded(bare.decode("latin-1")) and not hinted(low.decode("latin-1")):
        return False
    # Of a path of names (JSON `user.auth.pin`) the last part counts as well as the whole.
    last = _SEPARATORS.split(low.rstrip(b"]"))[-1]
    return (
        low in SECRET_HEADERS
        or bare in SECRET_NAMES
        or last in SECRET_NAMES
        or any(word in bare for word in SECRET_WORDS)
        or _PASS.fullmatch(bare) is not None
        or _PASS.fullmatch(last) is not None
    )


def redact_text(text: bytes) -> bytes:
    """`text` with everything masked that can be recognised inside a longer text. Linear in its length."""
    return _redacted_lately(text) if len(text) <= FINDING_VALUE_BYTES else _redacted(text)


@lru_cache(maxsize=64)
def _redacted_lately(text: bytes) -> bytes:
    """Remembered for a moment: what several rules find in one transaction is often the same text."""
    return _redacted(text)


def _redacted(text: bytes) -> bytes:
    if PERCENT not in text:
        return _redacted_plain(text)
    if may_mask(text):
        low = _decoded(text.lower())
        text = mask(text, low, low.decode("latin-1"))
    return mask_cards(_mask_encoded(text))


def _mask_encoded(text: bytes, quiet: bool = False) -> bytes:
    """Where decoding brings a secret to light, the whole pair that holds it is masked. `quiet`: no pattern finds
    anything in it, decoded or not; only names can tell."""
    pieces = _PIECES.split(text)
    return b"".join([_mask_pair(piece, quiet) if PERCENT in piece else piece for piece in pieces])


def _mask_pair(pair: bytes, quiet: bool) -> bytes:
    name, equals, value = pair.partition(b"=")
    if value and is_secret_name(name):
        return name + equals + MASK
    if quiet:
        return pair
    plain = decode_percent(decode_percent(pair))
    if plain == pair or _redacted_plain(plain) == plain:
        return pair
    return (name + equals + MASK) if equals and not is_secret_name(value) else MASK


def _redacted_plain(plain: bytes) -> bytes:
    """`redact_text` for what is decoded already."""
    if may_mask(plain):
        low = plain.lower()
        plain = mask(plain, low, low.decode("latin-1"))
    return mask_cards(plain)


def redact_target(target: bytes) -> bytes:
    """A request target for the access record: values of secret names in its query masked, the rest as it is.

    Called for every request: most targets hold no seed, no hint and few digits, and are done after one look.
    """
    said = decode_percent(decode_percent(target)) if PERCENT in target else target
    if not may_tell(said):
        return mask_cards(target)
    plain = said.lower().decode("latin-1")
    if not seeded(plain) and not hinted(plain):
        return mask_cards(target)
    path, mark, query = target.partition(b"?")
    # A call of google-re2 costs more than what it reads: one look at all that parts of the target can say. What
    # parts it, before and after decoding, are no letters, so that a pattern sees a part as it sees the whole.
    quiet = not may_mask(target + b"\n" + said) and not may_hold_card(target) and not may_hold_card(said)
    if mark:
        pairs = query.split(b"&")
        if "code=" in plain and "state=" in plain:
            pairs = [_redact_code(pair) for pair in pairs]
        query = b"&".join([_redact_pair(pair, quiet) for pair in pairs])
    return _redact_part(path, quiet) + mark + query


def _redact_part(text: bytes, quiet: bool) -> bytes:
    """`redact_text` for a part of a text that was looked at, see `_mask_encoded`."""
    if not quiet:
        return redact_text(text)
    return _mask_encoded(text, True) if PERCENT in text else text


def _redact_pair(pair: bytes, quiet: bool) -> bytes:
    name, equals, value = pair.partition(b"=")
    if value and is_secret_name(name):
        return _redact_part(name, quiet) + equals + MASK
    return _redact_part(pair, quiet)


def _redact_code(pair: bytes) -> bytes:
    """Beside a `state` a `code` is one of OAuth, however short."""
    name, equals, value = pair.partition(b"=")
    return name + equals + MASK if value and _decoded(name.lower()) == b"code" else pair


def excerpt(field: str, key: bytes, value: bytes) -> str:
    """What a record shows of a finding's value: masked, at most EXCERPT_CHARS, control bytes escaped.

    `field` is a name of the field table or a SecLang variable, `key` the key of the value (argument or header name).
    """
    return printable(cut_out(field, key, value))


def cut_out(field: str, key: bytes, value: bytes) -> bytes:
    """What `excerpt` shows, as bytes: not bounded yet where it is escaped, and not escaped."""
    if is_secret_field(field, key):
        return b"%b (%d bytes)" % (MASK, len(value))
    return _middle(redact_text(value), len(value) >= FINDING_VALUE_BYTES)


def is_secret_field(field: str, key: bytes) -> bool:
    """Whether values of that key of the field are secret, whatever they are; see `excerpt`."""
    low = field.lower()
    if low.endswith(("names", "names/")):
        return False
    return "cookie" in low or (bool(key) and is_secret_name(key))


def _middle(value: bytes, centred: bool) -> bytes:
    if len(value) <= EXCERPT_CHARS:
        return value
    start = (len(value) - EXCERPT_CHARS) // 2 if centred else 0
    return value[start : start + EXCERPT_CHARS]


_PRINTABLE: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {0x5C: "\\\\"}


def printable(value: bytes) -> str:
    """UTF-8 text where it is that, Latin-1 otherwise; control characters and backslashes as escapes; bounded."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    text = text.translate(_PRINTABLE)
    return text if len(text) <= EXCERPT_CHARS else text[: EXCERPT_CHARS - 3] + "..."
