"""Our own answers: small pages with the status and the transaction id, and nothing else."""

from __future__ import annotations

import time
from functools import lru_cache
from wsgiref.handlers import format_date_time

from revproxy.proxy.http.message import Line

REASONS = {
    400: b"Bad Request",
    402: b"Payment Required",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    406: b"Not Acceptable",
    408: b"Request Timeout",
    409: b"Conflict",
    410: b"Gone",
    411: b"Length Required",
    412: b"Precondition Failed",
    413: b"Content Too Large",
    414: b"URI Too Long",
    415: b"Unsupported Media Type",
    417: b"Expectation Failed",
    418: b"I'm a teapot",
    421: b"Misdirected Request",
    422: b"Unprocessable Content",
    423: b"Locked",
    425: b"Too Early",
    428: b"Precondition Required",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    451: b"Unavailable For Legal Reasons",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
    507: b"Insufficient Storage",
    508: b"Loop Detected",
}
"""Every status that a page can have: none of those that must say more than a page can (401, 407, 416, 426, 511)."""

_PAGE = (
    b"<!doctype html>\n<html><head><title>%d %b</title></head>\n"
    b"<body><h1>%d %b</h1><p>Transaction %b</p></body></html>\n"
)
_TYPE: Line = (b"Content-Type", b"text/html; charset=utf-8")
_NO_STORE: Line = (b"Cache-Control", b"no-store")


def page(status: int, transaction: str, retry_after: int) -> tuple[bytes, list[Line], bytes]:
    """(reason, fields, body) of our answer. `retry_after` seconds are named with 503 only."""
    reason = REASONS[status]
    fields = [_date(int(time.time())), _TYPE, _NO_STORE]
    if status == 503:
        fields.append((b"Retry-After", b"%d" % retry_after))
    return reason, fields, _PAGE % (status, reason, status, reason, transaction.encode("ascii"))


@lru_cache(maxsize=2)
def _date(second: int) -> Line:
    """RFC 9110 6.6.1; the text of a second is made once."""
    return b"Date", format_date_time(second).encode("ascii")
