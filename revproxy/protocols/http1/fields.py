"""What is known of field names: their lower case, which may stand once only, and which must not be forged.

Names are looked up in a bounded table that maps a name as written to its lower case and holds only names that
passed the token check, so that the check is made once for each spelling. Values are none of its business.
"""

from __future__ import annotations

import re
from typing import Final

from revproxy.codecs.marks import SPACE, changing

TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""RFC 9110 5.6.2 tchar."""

SINGLE_IN_REQUEST: Final = frozenset(
    b"host content-length transfer-encoding content-type content-location content-range expect etag max-forwards "
    b"server user-agent authorization".split()
)
"""Fields that name one thing: two of them would be read differently by different servers (RFC 9110 5.3)."""

SINGLE_IN_RESPONSE: Final = frozenset((b"content-length", b"transfer-encoding"))

END_TO_END: Final = frozenset(
    b"host content-length transfer-encoding content-type content-encoding expect authorization cookie forwarded via "
    b"x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port x-real-ip".split()
)
"""Naming one of these in Connection asks a proxy to drop what the next server decides on (RFC 9110 7.6.1)."""

_FORGED: Final = frozenset(
    b"content-length transfer-encoding content-type content-encoding proxy-connection keep-alive proxy-authorization "
    b"x-real-ip x-client-ip true-client-ip remote-user x-remote-user remote-addr x-remote-addr ssl-client-cert "
    b"ssl-client-verify x-original-url x-rewrite-url x-http-method-override x-accel-redirect x-sendfile".split()
)
"""Spelt with underscores or other signs, or with dashes doubled, these, and everything that begins with x-forwarded,
reach a CGI-like application under the real field's name."""

_SIGNS: Final = re.compile(rb"[^0-9a-z]+")

_CANONICAL: Final = (
    b"Accept Accept-Charset Accept-Encoding Accept-Language Accept-Ranges Access-Control-Allow-Credentials "
    b"Access-Control-Allow-Headers Access-Control-Allow-Methods Access-Control-Allow-Origin "
    b"Access-Control-Expose-Headers Access-Control-Max-Age Access-Control-Request-Headers "
    b"Access-Control-Request-Method Age Allow Alt-Svc Authorization Cache-Control Connection Content-Disposition "
    b"Content-Encoding Content-Language Content-Length Content-Location Content-Range Content-Security-Policy "
    b"Content-Type Cookie DNT Date Depth Destination ETag Expect Expires Forwarded From Host If If-Match "
    b"If-Modified-Since If-None-Match If-Range If-Unmodified-Since Keep-Alive Last-Modified Link Location Lock-Token "
    b"Max-Forwards Origin Overwrite Permissions-Policy Pragma Priority Proxy-Authenticate Proxy-Authorization "
    b"Proxy-Connection Range Referer Referrer-Policy Retry-After SOAPAction Save-Data Sec-CH-UA Sec-CH-UA-Mobile "
    b"Sec-CH-UA-Platform Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Sec-GPC "
    b"Sec-WebSocket-Extensions Sec-WebSocket-Key Sec-WebSocket-Protocol Sec-WebSocket-Version Server Set-Cookie "
    b"Strict-Transport-Security TE Timeout Trailer Transfer-Encoding Upgrade Upgrade-Insecure-Requests User-Agent "
    b"Vary Via WWW-Authenticate Warning X-Content-Type-Options X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto "
    b"X-Frame-Options X-Powered-By X-Real-IP X-Request-ID X-Requested-With X-XSS-Protection sec-ch-ua "
    b"sec-ch-ua-mobile sec-ch-ua-platform"
).split()

_LEARN_MOST: Final = 2048
_LEARN_BYTES: Final = 64


class FieldNames(dict[bytes, bytes]):
    """`names[name]` is the lower case of a field name; ValueError for what is no name that we take.

    A name that is not in the table is checked and learnt while there is room: at most 2,048 names of at most 64
    bytes, so that a client that invents names costs time, never memory.
    """

    __slots__ = ()

    def __missing__(self, name: bytes) -> bytes:
        if not name or name.translate(None, TOKEN):
            raise ValueError("field-name")
        lower = name.lower()
        plain = _SIGNS.sub(b"-", lower).strip(b"-")
        if plain != lower and (plain in _FORGED or plain.startswith(b"x-forwarded")):
            raise ValueError("forged-name")
        if len(self) < _LEARN_MOST and len(name) <= _LEARN_BYTES:
            self[name] = lower
        return lower


def field_names() -> FieldNames:
    """A table that knows the usual names, as written by browsers and in lower case."""
    names = FieldNames()
    for written in _CANONICAL:
        lower = names[written.lower()]
        names[written] = lower
        names[lower] = lower
    return names


LEARN_MOST: Final = 4096
LEARN_BYTES: Final = 512
"""Lines that repeat are remembered, so many of at most that size, in each table."""
NEVER_TWICE: Final = frozenset(
    b"cookie referer authorization set-cookie x-request-id range location if-none-match if-range".split()
)
"""Fields whose lines hardly ever repeat, or repeat for one client only: learning them would push out the others."""

CONTROLS: Final = changing(b for b in range(256) if b != 9 and (b < 32 or b == 127))
"""A table that changes every CTL but HTAB (`codecs.marks`)."""


class FieldLine:
    """A header line taken apart: without a control character other than HTAB in it, and its name a token."""

    __slots__ = ("lower", "name", "value", "written")

    def __init__(self, name: bytes, lower: bytes, value: bytes, written: bytes) -> None:
        self.name = name
        """As the peer wrote it; `lower` is its lower case."""
        self.lower = lower
        self.value = value
        """Without SP and HTAB around it."""
        self.written = written
        """The line as we write it, with its CRLF."""


class FieldLines:
    """`lines.of(line)` is a header line taken apart; ValueError for what is no field line that we take.

    Most lines of most heads are the same for all clients of a site, so a line is parsed once and then looked up. The
    table is bounded (4,096 lines of at most 512 bytes) and begins anew when it is full: who sends lines that nobody
    else sends costs time, never memory. No line with a control character other than HTAB passes.
    """

    __slots__ = ("_known", "_names")

    def __init__(self, names: FieldNames) -> None:
        self._known: dict[bytes, FieldLine] = {}
        self._names = names

    def of(self, line: bytes) -> FieldLine:
        """The line taken apart."""
        known = self._known.get(line)
        return known if known is not None else self._parsed(line)

    def _parsed(self, line: bytes) -> FieldLine:
        if line.translate(CONTROLS) != line:
            raise ValueError("control-character")
        name, colon, rest = line.partition(b":")
        if not colon:
            raise ValueError("field-line")
        lower, value = self._names[name], rest.strip(b" \t")
        # As nearly everybody writes it: one space before the value and nothing behind it.
        usual = len(rest) == len(value) + 1 and rest[0] == SPACE
        parsed = FieldLine(name, lower, value, line + b"\r\n" if usual else b"%b: %b\r\n" % (name, value))
        if len(line) <= LEARN_BYTES and lower not in NEVER_TWICE:
            if len(self._known) >= LEARN_MOST:
                self._known.clear()
            self._known[line] = parsed
        return parsed
