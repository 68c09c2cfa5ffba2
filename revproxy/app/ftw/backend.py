"""What the internal server behind tests answers, in process (`inprocess`) and on a wire (`reflector`): 200, and
`/reflect` as the request asks it to.

The body of a POST to `/reflect` is JSON: {"status": 200, "headers": {...}, "body": "...", "encodedBody": "base64"}.
An answer with a body and no type gets one from its first bytes, as servers do; text without any mark is plain text.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from revproxy.app.ftw.model import Answer

_PATH = b"/reflect"
_BAD = Answer(400, ((b"Content-Type", b"text/plain; charset=utf-8"),), b"not a description of an answer")
_HTML = (b"<!doctype html", b"<html", b"<head", b"<script", b"<iframe", b"<h1", b"<div", b"<font", b"<table")
_HTML_SHORT = (b"<a", b"<style", b"<title", b"<b", b"<body", b"<br", b"<p", b"<!--")
_SNIFFED = 512


def answer(raw: bytes) -> Answer:
    """What the server would say to a request; its body is all that follows the head."""
    head, _, body = raw.partition(b"\r\n\r\n")
    method, _, rest = head.partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0]
    if method != b"POST" or not (path == _PATH or path.startswith(_PATH + b"/")):
        return Answer()
    try:
        return _described(json.loads(body))
    except (ValueError, RecursionError, binascii.Error):
        return _BAD


def raw_answer(answered: Answer) -> bytes:
    """An answer as its bytes; its body is all that follows the head."""
    lines = b"".join(b"%b: %b\r\n" % line for line in answered.headers)
    return b"HTTP/1.1 %d Answer\r\n%b\r\n%b" % (answered.status, lines, answered.body)


def _described(asked: Any) -> Answer:
    """Raises ValueError."""
    if not isinstance(asked, dict):
        raise ValueError("not an object")
    headers = asked.get("headers") or {}
    if not isinstance(headers, dict):
        raise ValueError("headers are an object")
    status = asked.get("status") or 200
    if not isinstance(status, int) or not 100 <= status < 600:
        raise ValueError("no status")
    body = str(asked.get("body") or "").encode("utf-8", "surrogatepass")
    if not body:
        body = base64.b64decode(str(asked.get("encodedBody") or ""))
    lines = [(str(name).encode("utf-8"), str(value).encode("utf-8")) for name, value in headers.items()]
    if body and not any(name.lower() == b"content-type" for name, _ in lines):
        lines.append((b"Content-Type", _type_of(body)))
    return Answer(status, tuple(lines), body)


def _type_of(body: bytes) -> bytes:
    start = body[:_SNIFFED].lstrip(b"\t\n\x0c\r ").lower()
    ended = any(start.startswith(tag) and start[len(tag) : len(tag) + 1] in (b" ", b">") for tag in _HTML_SHORT)
    if start.startswith(_HTML) or ended:
        return b"text/html; charset=utf-8"
    if start.startswith(b"<?xml"):
        return b"text/xml; charset=utf-8"
    if any(byte < 0x20 and byte not in b"\t\n\x0c\r\x1b" for byte in body[:_SNIFFED]):
        return b"application/octet-stream"
    return b"text/plain; charset=utf-8"
