"""What is taken out of every record: nothing that a person keeps secret reaches a log.

Secret are the values of header fields and arguments with telling names, all cookies, credentials of AUTH and
Authorization wherever they stand, private keys, tokens and payment card numbers. In doubt more is masked: an excerpt
is for recognising an attack, not for reading the message. Names are recognised plain and percent-encoded (twice at
most); what is encrypted, compressed or split over values is not recognised.

The patterns here are ours, fixed and linear: no nested quantifiers, every repetition followed by what it excludes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

MASK = b"[redacted]"
EXCERPT_CHARS = 128
FINDING_VALUE_BYTES = 512
"""`Finding.value` is cut to this; a value of that size has its match in the middle."""

SECRET_WORDS: tuple[bytes, ...] = (
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
SECRET_NAMES = frozenset(
    {b"pass", b"pin", b"pw", b"sid", b"auth", b"jwt", b"sig", b"signature", b"puk", b"tan", b"codeverifier"}
)
"""A name that is one of these is secret; as parts of longer names they are too common."""
_PASS = re.compile(
    rb"(?:old|new|my|user|login|admin|db|confirm|repeat|retype|verify)?pass"
    rb"(?:[0-9]{1,3}|confirm(?:ation|ed)?|repeat(?:ed)?|retype|again|check|verify|old|new|current|hash)?"
)
"""`pass` with what forms add to it; alone it is part of many words (compass, passenger)."""
SECRET_HEADERS = frozenset(
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
_SEPARATORS = re.compile(rb"[_\-.\[\] +]+")
_NAME = (
    rb"(?:pass(?:[_-]?(?:word|wd|wort|phrase|code|wrd))?|kennwort|pwd|secret|token|(?:api|access|private|shared)[_-]?key"
    rb"|credential|authoriz|auth[_-]?(?:code|key)|sess(?:ion)?[_-]?(?:id|key)|otp|csrf|xsrf|cvv|cvc"
    rb"|(?:card|cc)[_-]?number|security[_-]?code|code[_-]?verifier|ssn"
    rb"|\b(?:pin|pw|sid|jwt|puk|tan|auth|sig|signature)\b)"
)
_AFTER = rb"""[a-z0-9_.\[\]-]{0,40}\\?["']?[ \t]*(?:[:=]|%3[ad])[ \t]*"""
_QUOTED = re.compile(
    rb"(?i)" + _NAME + _AFTER + rb"""\\?(?:"(?P<value>(?:[^"\\\r\n]|\\.)*)|'(?P<single>(?:[^'\\\r\n]|\\.)*))"""
)
_PLAIN = re.compile(rb"(?i)" + _NAME + _AFTER + rb"""(?P<value>[^&\r\n"' \t][^&\r\n]*)""")
_ELEMENT = re.compile(rb"(?i)" + _NAME + rb"[^<>\r\n]{0,80}>\s{0,8}(?:<!\[CDATA\[)?(?P<value>[^<]+)")
_VALUE = re.compile(
    rb"(?i)"
    + _NAME
    + rb"""[a-z0-9_.\[\]-]{0,40}\\?["'][ \t]{1,8}(?:[a-z-]{1,20}=["'][^"'<>]{0,40}["'][ \t]{1,8}){0,3}"""
    + rb"""value[ \t]{0,8}=[ \t]{0,8}\\?(?:"(?P<value>[^"\r\n]*)|'(?P<single>[^'\r\n]*))"""
)
"""`<add key="password" value="...">` and its like."""
_PART = re.compile(
    rb"(?i)name=\"?[^\"\r\n]{0,80}"
    + _NAME
    + rb"[^\r\n]{0,80}(?:\r?\n[^\r\n]{1,200}){0,4}\r?\n\r?\n(?P<value>[^\r\n]+)"
)
_BLANK = rb"(?:[ \t+]|%20)+"
_CREDENTIALS = re.compile(
    rb"(?i)\b(?:bearer|basic|negotiate|digest|ntlm)" + _BLANK + rb"(?P<value>[a-z0-9+/=_.~%-]{6,}[^\r\n&]*)"
)
_SMTP_AUTH = re.compile(
    rb"(?i)\bauth[ \t]+(?:plain|login|cram-md5|scram-[a-z0-9-]+|xoauth2|oauthbearer)[ \t]+(?P<value>[^\r\n]+)"
)
_COOKIE_LINE = re.compile(
    rb"(?i)\b(?:set-cookie2?|cookie2?|proxy-authorization|authorization)[ \t]*:[ \t]*(?P<value>[^\r\n]+)"
)
_JWT = re.compile(rb"(?P<value>\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4})")
_USERINFO = re.compile(rb"""://[^\s/?#:@"'<>]{0,128}:(?P<value>[^\s/"'<>]{1,256}(?=@))""")
_CODE = re.compile(rb"(?i)(?:(?<=[?&])|\A)code=(?P<value>[a-z0-9._~%/+-]{16,})(?![^&#\s])")
"""A code of OAuth (RFC 6749 4.1.2); what is shorter is a country or an article."""
_TELLING = rb"(?:token|(?<!p)reset|verif)"
_WAY = re.compile(rb"(?i)/[a-z0-9_-]{0,40}" + _TELLING + rb"""[a-z_-]{0,20}/[^?#&\s"'<>;,]+""")
_TELLING_PART = re.compile(rb"(?i)" + _TELLING)
_PLAIN_PARTS = frozenset(
    b"password passwort email mail phone account confirm confirmation new done complete success refresh revoke"
    b" introspect user users request resend login step api auth oauth v1 v2 v3 .".split()
)
"""Parts of a path that may stand after `token`, `reset` or `verify` and are no token."""
_MASKED_PARTS = 2
"""Most parts that are masked after a telling one: an account and its token."""
_PRIVATE_KEY = re.compile(rb"(?i)-----BEGIN[ +][a-z0-9 +]{0,40}PRIVATE[ +]KEY(?P<value>.*)", re.DOTALL)
_CARD = re.compile(
    rb"(?P<uuid>\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b)"
    rb"|[0-9](?<![0-9]{2})(?:(?:[ +-]|%20)?[0-9]){12,18}(?![0-9])"
)
"""Digits in an UUID are no card number, whatever their sum."""
_SEPARATED = re.compile(rb"[=:>\n]")
_PIECES = re.compile(rb"([&?;\s])")
_NOT_DIGITS = bytes(c for c in range(256) if not 48 <= c <= 57)


_ONCE = bytes((c - 48) % 10 for c in range(256))
_TWICE = bytes(sum(divmod(2 * ((c - 48) % 10), 10)) for c in range(256))
"""What a digit adds to the Luhn sum, by its place."""


def _seeded(low: str) -> bool:
    """Whether a text in lower case holds a seed: a part of a telling name.

    Every word and name above contains one. Written out and on str: the quickest of the ways measured (0.7 us;
    bytes 3 us, a loop 2 us, one pattern 1.1 us).
    """
    return (
        "pass" in low
        or "pw" in low
        or "secr" in low
        or "tok" in low
        or "key" in low
        or "cred" in low
        or "auth" in low
        or "sess" in low
        or "otp" in low
        or "srf" in low
        or "kennw" in low
        or "cv" in low
        or "numb" in low
        or "code" in low
        or "ssn" in low
        or "pin" in low
        or "sid" in low
        or "jwt" in low
        or "sig" in low
        or "puk" in low
        or "tan" in low
    )


def _hinted(low: str) -> bool:
    """The same for credentials that need no telling name; lower case."""
    return (
        "bearer" in low
        or "basic" in low
        or "nego" in low
        or "digest" in low
        or "ntlm" in low
        or "cookie" in low
        or "auth" in low
        or "eyj" in low
        or "-----" in low
        or "reset" in low
        or "verif" in low
        or ("@" in low and "://" in low)
    )


def _decoded(low: bytes) -> bytes:
    """Percent-decoded twice, in lower case."""
    plain = unquote_to_bytes(low)
    return unquote_to_bytes(plain).lower() if b"%" in plain else plain.lower()


@lru_cache(maxsize=4_096)
def is_secret_name(name: bytes) -> bool:
    """Whether the value of an argument, JSON member or header field of that name is masked.

    Remembered, because names repeat where values do not; names in use are at most a head's length.
    """
    low = name.lower()
    if b"%" in low:
        low = _decoded(low)
    bare = _SEPARATORS.sub(b"", low)
    if not _seeded(bare.decode("latin-1")) and not _hinted(low.decode("latin-1")):
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
    low = text.lower()
    encoded = b"%" in low
    plain = _decoded(low) if encoded else low
    look = plain.decode("latin-1")
    if _hinted(look):
        text = _mask_credentials(text)
    if _seeded(look) and _SEPARATED.search(plain):
        text = _mask_named(text)
    if b"/" in text:
        text = _WAY.sub(_mask_way, text)
    if encoded:
        text = _mask_encoded(text)
    return _mask_cards(text)


def _mask_cards(text: bytes) -> bytes:
    return _CARD.sub(_mask_card, text) if len(text.translate(None, _NOT_DIGITS)) > 12 else text


def _mask_credentials(text: bytes) -> bytes:
    for pattern in (_PRIVATE_KEY, _COOKIE_LINE, _SMTP_AUTH, _CREDENTIALS, _JWT, _USERINFO):
        text = pattern.sub(_mask_value, text)
    return text


def _mask_named(text: bytes) -> bytes:
    # Each pattern costs some microseconds, so each has to have a reason.
    if b"\n" in text:
        text = _PART.sub(_mask_value, text)
    if b">" in text:
        text = _ELEMENT.sub(_mask_value, text)
    if b'"' in text or b"'" in text:
        text = _QUOTED.sub(_mask_quoted, text)
        text = _VALUE.sub(_mask_quoted, text)
    return _CODE.sub(_mask_value, _PLAIN.sub(_mask_value, text))


def _mask_value(match: re.Match[bytes]) -> bytes:
    whole, start = match[0], match.start("value") - match.start()
    return whole[:start] + MASK


def _mask_quoted(match: re.Match[bytes]) -> bytes:
    group = "value" if match["value"] is not None else "single"
    return match[0][: match.start(group) - match.start()] + MASK


def _mask_card(match: re.Match[bytes]) -> bytes:
    text = match[0]
    if match["uuid"] is not None:
        return text
    digits = text if text.isdigit() else text.replace(b"%20", b"").translate(None, _NOT_DIGITS)
    # The Luhn sum tells card numbers from timestamps and counters. By tables: such numbers are in many targets.
    return text if (sum(digits[::-2].translate(_ONCE)) + sum(digits[-2::-2].translate(_TWICE))) % 10 else MASK


def _mask_way(match: re.Match[bytes]) -> bytes:
    """Parts of a path after a telling one (`/reset/token/...`): a token there is a password for an hour."""
    parts = match[0].split(b"/")
    left = 0
    for place, part in enumerate(parts):
        if _TELLING_PART.search(part):
            left = _MASKED_PARTS
        elif part == b"..":
            left = 0
        elif left and part and part.lower() not in _PLAIN_PARTS:
            parts[place] = MASK
            left -= 1
    return b"/".join(parts)


def _mask_encoded(text: bytes) -> bytes:
    """Where decoding brings a secret to light, the whole pair that holds it is masked."""
    pieces = _PIECES.split(text)
    return b"".join(_mask_pair(piece) if b"%" in piece else piece for piece in pieces)


def _mask_pair(pair: bytes) -> bytes:
    name, equals, value = pair.partition(b"=")
    if value and is_secret_name(name):
        return name + equals + MASK
    plain = unquote_to_bytes(unquote_to_bytes(pair))
    if plain == pair or redact_text_once(plain) == plain:
        return pair
    return (name + equals + MASK) if equals and not is_secret_name(value) else MASK


def redact_text_once(plain: bytes) -> bytes:
    """`redact_text` for what is decoded already."""
    return _mask_cards(_WAY.sub(_mask_way, _mask_named(_mask_credentials(plain))))


def redact_target(target: bytes) -> bytes:
    """A request target for the access record: values of secret names in its query masked, the rest as it is.

    Called for every request: most targets hold no seed, no hint and few digits, and are done after one look.
    """
    low = target.lower()
    plain = (_decoded(low) if b"%" in low else low).decode("latin-1")
    if not _seeded(plain) and not _hinted(plain):
        return _mask_cards(target)
    path, mark, query = target.partition(b"?")
    if mark:
        pairs = query.split(b"&")
        if "code=" in plain and "state=" in plain:
            pairs = [_redact_code(pair) for pair in pairs]
        query = b"&".join(map(_redact_pair, pairs))
    return redact_text(path) + mark + query


def _redact_pair(pair: bytes) -> bytes:
    name, equals, value = pair.partition(b"=")
    return redact_text(name) + equals + MASK if value and is_secret_name(name) else redact_text(pair)


def _redact_code(pair: bytes) -> bytes:
    """Beside a `state` a `code` is one of OAuth, however short."""
    name, equals, value = pair.partition(b"=")
    return name + equals + MASK if value and _decoded(name.lower()) == b"code" else pair


def excerpt(field: str, key: bytes, value: bytes) -> str:
    """What a record shows of a finding's value: masked, at most EXCERPT_CHARS, control bytes escaped.

    `field` is a name of the field table or a SecLang variable, `key` the key of the value (argument or header name).
    """
    if is_secret_field(field, key):
        return f"{MASK.decode()} ({len(value)} bytes)"
    return printable(_middle(redact_text(value), len(value) >= FINDING_VALUE_BYTES))


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


_PRINTABLE = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {0x5C: "\\\\"}


def printable(value: bytes) -> str:
    """UTF-8 text where it is that, Latin-1 otherwise; control characters and backslashes as escapes; bounded."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    text = text.translate(_PRINTABLE)
    return text if len(text) <= EXCERPT_CHARS else text[: EXCERPT_CHARS - 3] + "..."
