"""The pretended server."""

from __future__ import annotations

import json

import pytest

from revproxy.app.ftw.backend import answer
from revproxy.app.ftw.model import Answer

TYPE = b"Content-Type"


def ask(asked: object, path: str = "/reflect") -> Answer:
    data = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    return answer(f"POST {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() + data)


@pytest.mark.parametrize(
    "raw", [b"", b"GET / HTTP/1.1\r\n\r\n", b"GET /reflect HTTP/1.1\r\n\r\n{}", b"POST /reflected HTTP/1.1\r\n\r\n{"]
)
def test_every_other_request_is_fine(raw: bytes) -> None:
    assert answer(raw) == Answer()


def test_reflect() -> None:
    said = ask({"status": 302, "headers": {"Location": "/a", "X": "é"}, "body": "hello é"}, "/reflect/x?y")
    assert said.status == 302
    assert said.headers == (
        (b"Location", b"/a"),
        (b"X", "é".encode()),
        (TYPE, b"text/plain; charset=utf-8"),
    )
    assert said.body == "hello é".encode()
    assert ask({}) == Answer()
    assert ask({"encodedBody": "/w==", "headers": {"content-type": "a/b"}}) == Answer(
        200, ((b"content-type", b"a/b"),), b"\xff"
    )


@pytest.mark.parametrize(
    "asked",
    [b"", b"[1]", b"{", {"status": 99}, {"status": "ok"}, {"headers": [1]}, {"encodedBody": "a"}, b"[" * 100_000],
)
def test_what_describes_nothing(asked: object) -> None:
    assert ask(asked).status == 400


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>a", b"text/html; charset=utf-8"),
        (" \n<!DOCTYPE html>", b"text/html; charset=utf-8"),
        ("<b >", b"text/html; charset=utf-8"),
        ("<bla>", b"text/plain; charset=utf-8"),
        ('<?xml version="1.0"?>', b"text/xml; charset=utf-8"),
        ("<?php", b"text/plain; charset=utf-8"),
        ("a\0b", b"application/octet-stream"),
    ],
)
def test_a_type_is_guessed(body: str, kind: bytes) -> None:
    assert ask({"body": body}).headers == ((TYPE, kind),)
