"""What goes inside, and what comes back out."""

from __future__ import annotations

import pytest
from harness import World, get, ok

from revproxy.model import HttpLimits
from revproxy.protocols.http1 import parse_request
from revproxy.proxy.http.headers import readable, relocated
from revproxy.proxy.http.message import Client

DROPPED = [
    b"Connection: keep-alive",
    b"Keep-Alive: timeout=5",
    b"Proxy-Connection: keep-alive",
    b"Proxy-Authorization: Basic eDp5",
    b"Proxy: http://evil.example",
    b"TE: trailers",
    b"Trailer: X",
    b"Upgrade: h2c",
    b"HTTP2-Settings: AAMA",
    b"X-Forwarded-Prefix: /evil",
    b"X-Forwarded-Server: evil",
    b"X-Real-IP: 6.6.6.6",
    b"X-Client-IP: 6.6.6.6",
    b"True-Client-IP: 6.6.6.6",
    b"X-Original-URL: /admin",
    b"X-Rewrite-URL: /admin",
    b"X-HTTP-Method-Override: DELETE",
    b"X-HTTP-Method: DELETE",
    b"X-Method-Override: DELETE",
    b"x-middleware-subrequest: a",
    b"X-Forwarded-User: admin",
    b"X-Forwarded-Client-Cert: By=x",
    b"X-Forwarded: for=1.2.3.4",
    b"Remote-User: admin",
    b"X-Remote-User: admin",
    b"SSL-Client-Verify: SUCCESS",
    b"Front-End-Https: on",
    b"X-Original-Host: admin.example",
    b"Client-IP: 6.6.6.6",
    b"X-Cluster-Client-IP: 6.6.6.6",
    b"X-Accel-Redirect: /secret",
    b"X-Sendfile: /etc/passwd",
]
OVERWRITTEN = [
    (b"X-Forwarded-For: 6.6.6.6", b"127.0.0.1"),
    (b"X-Forwarded-Proto: https", b"http"),
    (b"X-Forwarded-Host: evil.example", b"site.example"),
    (b"Forwarded: for=6.6.6.6", b'for=127.0.0.1;proto=http;host="site.example"'),
    (b"Via: 1.0 evil", b"1.1 revproxy"),
]
KEPT = [
    b"Cookie: a=b",
    b"Authorization: Basic eDp5",
    b"Range: bytes=0-1",
    b"Content-Language: de",
    b"Destination: /x",
    b"X-Anything: \xc3\xa9",
    b"Origin: https://a",
]


@pytest.mark.parametrize("line", DROPPED)
async def test_dropped(plain: World, line: bytes) -> None:
    assert (await plain.ask(get(b"/", line))).status == 200
    [asked] = plain.inside.requests
    assert asked.all(line.partition(b":")[0].lower()) == []


@pytest.mark.parametrize(("line", "value"), OVERWRITTEN)
async def test_said_by_us(plain: World, line: bytes, value: bytes) -> None:
    assert (await plain.ask(get(b"/", line, line))).status == 200
    assert plain.inside.requests[0].get(line.partition(b":")[0].lower()) == value


async def test_kept_in_order(plain: World) -> None:
    assert (await plain.ask(get(b"/", *KEPT))).status == 200
    got = [b"%b: %b" % line for line in plain.inside.requests[0].fields]
    assert [line for line in got if line in KEPT] == KEPT


@pytest.mark.parametrize(
    "name",
    [
        b"x_original_url",
        b"X_Http_Method_Override",
        b"x_middleware_subrequest",
        b"TRUE_CLIENT_IP",
        b"X__Forwarded-For",
    ],
)
async def test_other_spellings_do_not_go_inside(plain: World, name: bytes) -> None:
    got = await plain.ask(get(b"/", name + b": 6.6.6.6"))
    assert got.status in (200, 400)
    assert b"6.6.6.6" not in plain.inside.received


async def test_fields_named_in_connection_end_here(plain: World) -> None:
    lines = (b"Connection: X-One, x-two", b"X-One: 1", b"X-Two: 2", b"X-Three: 3")
    assert (await plain.ask(get(b"/", *lines))).status == 200
    [asked] = plain.inside.requests
    assert (asked.get(b"x-one"), asked.get(b"x-two"), asked.get(b"x-three")) == (None, None, b"3")
    plain.inside.usual = ok(b"", b"text/plain", b"Connection: X-Hop", b"X-Hop: 1")
    assert (await plain.ask(get())).get(b"x-hop") is None


@pytest.mark.parametrize("name", [b"Host", b"Cookie", b"Authorization", b"X-Forwarded-For", b"Content-Type"])
async def test_what_decides_cannot_be_named_in_connection(plain: World, name: bytes) -> None:
    assert (await plain.ask(get(b"/", b"Connection: close, " + name))).status == 400
    assert plain.inside.received == b""


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        (b"gzip, deflate, br, zstd", b"gzip, deflate, br"),
        (b"zstd", b"identity"),
        (b"GZIP;q=0.5, br;q=0", b"gzip"),
        (b"*", b"identity"),
        (b"", b"identity"),
    ],
)
def test_only_what_we_can_read_is_asked_for(said: bytes, asked: bytes) -> None:
    assert asked in readable(said)


@pytest.mark.parametrize(
    ("origin", "value", "moved"),
    [
        (b"http://10.0.0.5:80", b"http://10.0.0.5/x", b"https://a.example/x"),
        (b"https://10.0.0.5:443", b"https://10.0.0.5", b"https://a.example"),
        (b"http://10.0.0.5:80", b"http://10.0.0.50/x", b"http://10.0.0.50/x"),
        (b"http://10.0.0.5:8080", b"http://10.0.0.5:8080/x", b"https://a.example/x"),
        (b"http://10.0.0.5:8080", b"http://10.0.0.5/x", b"http://10.0.0.5/x"),
        (b"http://10.0.0.5:8080", b"/?to=http://10.0.0.5:8080/x", b"/?to=http://10.0.0.5:8080/x"),
    ],
)
def test_locations(origin: bytes, value: bytes, moved: bytes) -> None:
    request = parse_request(get(host=b"a.example"), HttpLimits())
    client = Client("192.0.2.1", "192.0.2.1", b"https", "web")
    assert relocated([(b"Location", value), (b"X", value)], origin, request, client) == [
        (b"Location", moved),
        (b"X", value),
    ]
