"""Hosts and paths as servers read them."""

from __future__ import annotations

import pytest

from revproxy.proxy.http.paths import host_name, normalised, readings, under


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        (b"/", b"/"),
        (b"/a//b/./c/../d;x=y/e", b"/a/b/d/e"),
        (b"/../../a", b"/a"),
        (b"/%2561", b"/a"),
        (b"/a%00b", b"/a"),
        (b"/a\\b", b"/a/b"),
        (b"/..;/a", b"/a"),
    ],
)
def test_normalised(path: bytes, plain: bytes) -> None:
    assert normalised(path) == plain


@pytest.mark.parametrize(
    ("host", "name"),
    [(b"a", b"a"), (b"a:1", b"a"), (b"a.", b"a"), (b"[::1]:80", b"[::1]"), (b"[::1]", b"[::1]"), (b"", b"")],
)
def test_host_name(host: bytes, name: bytes) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    ("path", "prefix", "is_under"),
    [
        (b"/", b"/", True),
        (b"/a", b"/", True),
        (b"/a", b"/a", True),
        (b"/a/b", b"/a", True),
        (b"/ab", b"/a", False),
        (b"/a", b"/a/", False),
        (b"/a/b", b"/a/", True),
    ],
)
def test_under(path: bytes, prefix: bytes, is_under: bool) -> None:
    assert under(path, prefix) is is_under


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (b"/a/b", (b"/a/b",)),
        (b"/a//b", (b"/a//b", b"/a/b", b"/a/b", b"/a/b")),
        (b"/a/%2e%2e/b", (b"/a/%2e%2e/b", b"/a/%2e%2e/b", b"/b", b"/b")),
        (b"/a/%252e%252e/b", (b"/a/%252e%252e/b", b"/a/%252e%252e/b", b"/a/%2e%2e/b", b"/b")),
    ],
)
def test_readings(path: bytes, found: tuple[bytes, ...]) -> None:
    assert readings(path) == found
    assert readings(path)[-1] == normalised(path)
