"""The internal web application tells what arrived, and a few paths do what they are asked for."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, unused_port
from yarl import URL

from revproxy.demo.mail import Mailbox
from revproxy.demo.web import application

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with TestClient(TestServer(application())) as made:
        yield made


async def test_it_tells_what_arrived(client: Client) -> None:
    fields = {"X-One": "1", "x-two": "2"}
    body = b"x" * 200_000
    answer = await client.post(URL("/a%2Fb/c?d=%20e&f", encoded=True), data=body, headers=fields)
    told = await answer.json()
    assert answer.status == 200
    assert (told["method"], told["target"]) == ("POST", "/a%2Fb/c?d=%20e&f")
    assert (told["body_length"], told["body_sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert [field for field in told["headers"] if field[0].lower().startswith("x-")] == [
        ["X-One", "1"],
        ["x-two", "2"],
    ]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
async def test_any_method(client: Client, method: str) -> None:
    answer = await client.request(method, "/")
    assert (await answer.json())["method"] == method


@pytest.mark.parametrize("status", [200, 301, 404, 418, 503, 599])
async def test_a_status(client: Client, status: int) -> None:
    answer = await client.get(f"/status/{status}", allow_redirects=False)
    assert answer.status == status
    assert (await answer.json())["target"] == f"/status/{status}"


@pytest.mark.parametrize("path", ["/status/999", "/status/100", "/status/20", "/status/x"])
async def test_what_is_no_status_is_a_path(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 200


@pytest.mark.parametrize(("query", "length"), [("", 0), ("?n=0", 0), ("?n=5", 5), ("?n=200000", 200_000)])
async def test_bytes(client: Client, query: str, length: int) -> None:
    answer = await client.get(f"/bytes{query}")
    assert answer.headers["Content-Length"] == str(length)
    assert len(await answer.read()) == length


async def test_bytes_has_a_limit(client: Client) -> None:
    answer = await client.get("/bytes?n=1e300")
    assert answer.headers["Content-Length"] == str(16 * 1024**3)
    answer.close()


async def test_events(client: Client) -> None:
    answer = await client.get("/sse?n=3&seconds=0")
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert await answer.text() == "data: 0\n\ndata: 1\n\ndata: 2\n\n"


async def test_slow(client: Client) -> None:
    answer = await client.post("/slow?seconds=0", data=b"abc")
    assert (await answer.json())["body_length"] == 3


@pytest.mark.parametrize("bad", ["x", "-1", "nan", "-inf", "1,5", "0x10", "%00"])
@pytest.mark.parametrize("place", ["/slow?seconds=", "/bytes?n=", "/sse?n=", "/sse?seconds="])
async def test_what_is_no_number_is_the_clients_fault(client: Client, place: str, bad: str) -> None:
    answer = await client.get(URL(place + bad, encoded=True))
    assert answer.status == 400
    assert (await answer.json())["error"].startswith("not a number")


async def test_reflect(client: Client) -> None:
    wanted: dict[str, Any] = {"status": 503, "headers": {"X-A": "b", "Content-Type": "text/x"}, "body": "ü"}
    answer = await client.post("/reflect", json=wanted)
    assert (answer.status, answer.headers["X-A"], answer.content_type) == (503, "b", "text/x")
    assert await answer.read() == "ü".encode()
    answer = await client.post("/reflect", json={"encodedBody": base64.b64encode(b"\0\xff").decode()})
    assert (answer.status, await answer.read()) == (200, b"\0\xff")
    answer = await client.get("/reflect")
    assert (answer.status, await answer.read()) == (200, b"")


@pytest.mark.parametrize(
    "bad",
    [
        b"nothing",
        b"[]",
        b'"text"',
        b'{"body": 5}',
        b'{"headers": []}',
        b'{"headers": {"a": "b\\r\\nc: d"}}',
        b'{"headers": {"a b": "c"}}',
        b'{"status": "x"}',
        b'{"status": 1}',
        b'{"status": 100}',
        b'{"status": 100000}',
        b'{"status": 1e999}',
        b'{"encodedBody": 5}',
        b"[" * 100_000,
        b"\xff",
    ],
    ids=lambda bad: bad[:30].decode("latin-1"),
)
async def test_reflect_of_what_is_no_answer(client: Client, bad: bytes) -> None:
    answer = await client.post("/reflect", data=bad)
    assert answer.status == 400
    assert "not a description of an answer" in json.loads(await answer.read())["error"]


async def test_the_mailbox() -> None:
    mailbox = Mailbox()
    mailbox.count = 7
    async with TestServer(mailbox.application()) as mail:
        url = str(mail.make_url("/"))
        async with TestClient(TestServer(application(url))) as client:
            answer = await client.get("/mailbox")
            assert (answer.status, await answer.json()) == (200, {"messages": 7, "last": []})


async def test_the_mailbox_of_nobody(client: Client) -> None:
    assert (await client.get("/mailbox")).status == 404
    stopped = f"http://127.0.0.1:{unused_port()}/"
    async with TestClient(TestServer(application(stopped))) as other:
        assert (await other.get("/mailbox")).status == 503
