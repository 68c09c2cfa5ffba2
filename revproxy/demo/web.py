"""The demo's internal web application: tells what arrived, so that a person sees what the front end lets through.

Every path answers with a JSON description of the request. Some have a use of their own: `/sse` streams events,
`/slow?seconds=` waits, `/bytes?n=` sends that much, `/status/NNN` answers with that status, `/reflect` answers with
what the JSON body of the request asks for, `/mailbox` asks the internal mail server how many messages it holds.
A number that is none is answered with 400.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import math
import string
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

_BLOCK = b"0123456789abcdef" * 4096
_MOST_SECONDS = 600.0
_MOST_BYTES = 16 * 1024**3
_MOST_EVENTS = 1_000_000
_TOKEN = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
_MAILBOX = web.AppKey("mailbox", str)


def application(mailbox: str = "") -> web.Application:
    """The application; `mailbox` is the URL at which the internal mail server tells what it holds."""
    app = web.Application(client_max_size=1 << 40)
    app[_MAILBOX] = mailbox
    app.router.add_get("/sse", _events)
    app.router.add_route("*", "/slow", _slow)
    app.router.add_get("/bytes", _bytes)
    app.router.add_route("*", "/status/{status:[2-5][0-9][0-9]}", _status)
    app.router.add_route("*", "/reflect", _reflect)
    app.router.add_get("/mailbox", _mailbox)
    app.router.add_route("*", "/{path:.*}", _describe)
    return app


async def description(request: web.Request) -> dict[str, Any]:
    """Method, target, fields in order, length and digest of the body."""
    digest, length = hashlib.sha256(), 0
    async for piece in request.content.iter_chunked(1 << 16):
        digest.update(piece)
        length += len(piece)
    return {
        "method": request.method,
        "target": request.raw_path,
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.raw_headers],
        "body_length": length,
        "body_sha256": digest.hexdigest(),
    }


def _number(request: web.Request, name: str, usual: float, most: float) -> float:
    """That argument of the query, from 0 to `most`; more is `most`. Raises HTTPBadRequest for what is no number."""
    text = request.query.get(name, "")
    try:
        value = float(text) if text else usual
    except ValueError:
        value = -1.0
    if math.isnan(value) or value < 0:
        told = json.dumps({"error": f"not a number from 0: {name}"})
        raise web.HTTPBadRequest(text=told, content_type="application/json")
    return min(value, most)


async def _describe(request: web.Request) -> web.Response:
    return web.json_response(await description(request))


async def _events(request: web.Request) -> web.StreamResponse:
    """Five events, a tenth of a second apart; `?n=` for more, `?seconds=` for another pace."""
    pace = _number(request, "seconds", 0.1, _MOST_SECONDS)
    count = _number(request, "n", 5, _MOST_EVENTS)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    for number in range(int(count)):
        await response.write(b"data: %d\n\n" % number)
        await asyncio.sleep(pace)
    await response.write_eof()
    return response


async def _slow(request: web.Request) -> web.Response:
    await asyncio.sleep(_number(request, "seconds", 1, _MOST_SECONDS))
    return await _describe(request)


async def _bytes(request: web.Request) -> web.StreamResponse:
    left = int(_number(request, "n", 0, _MOST_BYTES))
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream", "Content-Length": str(left)})
    await response.prepare(request)
    while left > 0:
        await response.write(_BLOCK[:left])
        left -= len(_BLOCK)
    return response


async def _status(request: web.Request) -> web.Response:
    return web.json_response(await description(request), status=int(request.match_info["status"]))


async def _reflect(request: web.Request) -> web.Response:
    """`{"status": 200, "headers": {...}, "body": "...", "encodedBody": "base64"}`, all of them optional."""
    try:
        wanted = json.loads(await request.read() or b"{}")
        encoded = wanted.get("encodedBody")
        body = base64.b64decode(encoded) if encoded is not None else wanted.get("body", "").encode("utf-8")
        headers = {_token(str(name)): _line(str(value)) for name, value in wanted.get("headers", {}).items()}
        return web.Response(status=_final(int(wanted.get("status", 200))), headers=headers, body=body)
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        return web.json_response({"error": f"not a description of an answer: {error}"}, status=400)


def _token(name: str) -> str:
    if not name or set(name) - _TOKEN:
        raise ValueError("a field's name is a token")
    return name


def _line(value: str) -> str:
    if set(value) & set("\r\n\0"):
        raise ValueError("a field's value is one line")
    return value


def _final(status: int) -> int:
    if not 200 <= status <= 599:
        raise ValueError("a status is from 200 to 599")
    return status


async def _mailbox(request: web.Request) -> web.Response:
    url = request.app[_MAILBOX]
    if not url:
        return web.json_response({"error": "the demo has no mail server of its own"}, status=404)
    try:
        async with ClientSession(timeout=ClientTimeout(2)) as session, session.get(url) as answer:
            return web.json_response(await answer.json())
    except (ClientError, TimeoutError, OSError):
        return web.json_response({"error": "the internal mail server is stopped"}, status=503)
