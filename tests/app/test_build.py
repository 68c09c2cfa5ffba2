"""A worker's parts, plugged together: they serve on the sockets that they are given."""

from __future__ import annotations

import asyncio
import gc
import json
import pickle
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from revproxy.app.build import build, inspection_of
from revproxy.app.prepare import prepare
from revproxy.app.prepared import Prepared
from revproxy.config import Exclusion, Mail, MailDomain, Route, Settings
from revproxy.config.settings import Address, Inspection, Listener, ListenerKind, Upstream
from revproxy.inspection import Policy
from revproxy.model import Action, Phase, Protocol, Transaction

Make = Callable[..., Settings]
SECONDS = 10.0


async def answered(address: tuple[str, int], data: bytes) -> bytes:
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(data)
        got = await reader.read()
        writer.close()
        return got


async def inside(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\ninside")
    writer.close()


async def test_http_is_served(settings: Make, tmp_path: Path) -> None:
    server = await asyncio.start_server(inside, "127.0.0.1", 0)
    prepared = prepare(settings(server.sockets[0].getsockname()[1]))
    parts = build(prepared, 0, prepared.pieces)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        await parts.start({"web": sock})
        request = b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        assert (await answered(sock.getsockname(), request % b"/")).endswith(b"inside")
        assert (await answered(sock.getsockname(), request % b"/?q=attack-1")).startswith(b"HTTP/1.1 403 ")
        status, snapshot = parts.status(), json.dumps(parts.snapshot(), default=str)
        parts.stop_accepting()
        await parts.drain(1.0)
    assert status["ruleset"] == prepared.ruleset_name
    assert "revproxy_requests_total" in snapshot
    assert "revproxy_body_memory_bytes" in snapshot
    parts.reopen_logs()
    await parts.close()
    server.close()
    access = [json.loads(line) for line in (tmp_path / "access.log").read_text().splitlines()]
    audit = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert [record["status"] for record in access] == [200, 403]
    assert [record["rule"] for record in audit] == ["one"]


async def test_mail_is_served(settings: Make) -> None:
    listeners = (Listener("mail", ListenerKind.SMTP, Address("127.0.0.1", 0)),)
    mail = Mail("front.example", (MailDomain("example.org", "inside"),))
    prepared = prepare(settings(listeners=listeners, mail=mail, routes=()))
    parts = build(prepared, 0, prepared.pieces)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        await parts.start({"mail": sock})
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(*sock.getsockname())
            got = await reader.readline()
            writer.write(b"QUIT\r\n")
            got += await reader.read()
            writer.close()
        parts.stop_accepting()
        await parts.drain(1.0)
    await parts.close()
    assert got.startswith(b"220 front.example ")
    assert b"\r\n221 " in got


@pytest.mark.parametrize(("setting", "action"), [("deny", Action.DENY), ("defer", Action.DEFER)])
async def test_what_is_done_when_inspection_fails(settings: Make, setting: str, action: Action) -> None:
    made = settings()
    made = settings(inspection=Inspection(signatures=made.inspection.signatures, on_failure=setting))
    inspection = inspection_of(prepare(made).rules, made)
    broken = Transaction("t", Protocol.HTTP)
    broken.fields.put("args", [None], [b"q"])  # type: ignore[list-item]
    verdict = await inspection.inspect(broken, Phase.HEAD, Phase.BODY, Policy())
    assert (verdict.action, verdict.reason) == (action, "inspection-failed")


def test_what_rules_ask_for_is_known(settings: Make, tmp_path: Path) -> None:
    rules = tmp_path / "a.conf"
    for text, declines in (("pass", False), ("pass,ctl:responseBodyAccess=Off", True)):
        rules.write_text(f'SecRule RESPONSE_STATUS "@eq 200" "id:1,phase:3,nolog,{text}"\n')
        made = settings(inspection=Inspection(signatures=(), rules=(str(rules),)))
        assert inspection_of(prepare(made).rules, made).may_decline is declines


async def test_routes_and_hosts(settings: Make) -> None:
    """An upstream's own address is what Location is freed from, and what a route without the client's Host sends."""
    from revproxy.config.settings import Route, UpstreamTls

    upstream = Upstream("inside", Address("::1", 8443), tls=UpstreamTls())
    routes = (Route("one", "inside", path="/one", keep_host=False), Route("all", "inside"))
    prepared = prepare(settings(upstreams=(upstream,), routes=routes))
    parts = build(prepared, 0, prepared.pieces)
    way = parts._site.router.find(b"a", b"/one")
    assert way is not None
    assert (way.origin, way.host) == (b"https://[::1]:8443", b"[::1]:8443")
    await parts.close()


SECLANG = """
SecRule ARGS|ARGS_NAMES "@rx secret" "id:100,phase:2,deny,tag:'mine'"
SecAction "id:101,phase:1,pass,nolog,setvar:tx.anomaly_score=0"
SecRule REQUEST_COOKIES "@rx secret" "id:102,phase:1,deny,tag:'mine'"
"""
EXCLUSIONS = (
    Exclusion(("100", "one"), fields=("args:q",), path="/search"),
    Exclusion(tags=("mine",), path="/import"),
)
REQUESTS = [
    ("GET /?q=secret", 403),
    ("GET /search?q=secret", 200),
    ("GET /search/deep?q=attack-1", 200),
    ("GET /search?p=secret", 403),
    ("GET /search?p=attack-1", 403),
    ("GET /search?secret=q", 403),
    ("GET /search/../?q=secret", 403),
    ("GET /import?p=secret", 200),
    ("GET /import?p=attack-1", 403),
    ("POST /search q=secret", 200),
    ("POST /search p=secret", 403),
]


async def test_exclusions_of_a_route(settings: Make, tmp_path: Path) -> None:
    (tmp_path / "mine.conf").write_text(SECLANG)
    server = await asyncio.start_server(inside, "127.0.0.1", 0)
    made = settings(server.sockets[0].getsockname()[1], routes=(Route("all", "inside", exclusions=EXCLUSIONS),))
    made = replace(made, inspection=replace(made.inspection, rules=(str(tmp_path / "mine.conf"),)))
    prepared = prepare(made)
    parts = build(pickle.loads(pickle.dumps(prepared)), 0, prepared.pieces)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        await parts.start({"web": sock})
        for asked, status in REQUESTS:
            method, target, body = f"{asked} ".split(" ")[:3]
            length = (
                f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n" if body else ""
            )
            head = f"{method} {target} HTTP/1.1\r\nHost: a\r\n{length}Connection: close\r\n\r\n"
            got = await answered(sock.getsockname(), (head + body).encode())
            assert (asked, got.split(b" ")[1]) == (asked, b"%d" % status)
        parts.stop_accepting()
        await parts.drain(1.0)
    await parts.close()
    server.close()


def other_rules(settings: Make, old: str, new: str) -> Prepared:
    """As it goes to a worker, without databases."""
    file = Path(settings().inspection.signatures[0])
    file.write_text(file.read_text().replace(old, new))
    return prepare(settings())


async def test_other_rules_are_swapped_in(settings: Make) -> None:
    server = await asyncio.start_server(inside, "127.0.0.1", 0)
    made = partial(settings, server.sockets[0].getsockname()[1])
    prepared = prepare(made())
    parts = build(pickle.loads(pickle.dumps(prepared)), 0, prepared.pieces)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        await parts.start({"web": sock})

        async def status(word: bytes) -> bytes:
            request = b"GET /?q=%b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % word
            return (await answered(sock.getsockname(), request))[9:12]

        # A request whose body is still on its way when the rules change.
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        head = b"POST /?q=attack-1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\n"
        writer.write(head.replace(b"attack-1", b"assault-1"))
        assert await status(b"attack-1") == b"403"
        parts._judging.inspection.failures = 3
        before = weakref.ref(parts._judging.inspection)
        new = other_rules(made, "attack-[0-9]", "assault-[0-9]")
        ready = await asyncio.to_thread(parts.load, pickle.loads(pickle.dumps(new)), new.pieces)
        assert await status(b"attack-1") == b"403"
        parts.swap(ready)
        assert await status(b"attack-1") == b"200"
        assert await status(b"assault-1") == b"403"
        writer.write(b"x")
        assert (await reader.read())[9:12] == b"200", "it began with the rules before"
        writer.close()
        assert parts.status()["ruleset"] == new.ruleset_name
        assert json.loads(json.dumps(parts.snapshot()))["counters"]["revproxy_inspection_failures_total"][0][1] == 3
        del ready
        gc.collect()
        assert before() is None
        parts.stop_accepting()
        await parts.drain(1.0)
    await parts.close()
    server.close()


async def test_databases_that_did_not_change_are_not_needed_again(settings: Make) -> None:
    prepared = prepare(settings())
    parts = build(prepared, 0, prepared.pieces)
    before = parts._judging.rules.loaded
    new = other_rules(settings, "severity: critical", "severity: warning")
    assert new.ruleset_name != prepared.ruleset_name
    ready = parts.load(new, {})
    assert {key: id(one) for key, one in ready.rules.loaded.items()} == {key: id(one) for key, one in before.items()}
    await parts.close()


def test_what_is_loaded_late_elsewhere_is_loaded_ahead() -> None:
    code = (
        "import sys\n"
        "from revproxy.app.build import load_ahead\n"
        "from revproxy.config import Address, Listener, ListenerKind, Settings\n"
        "mail = Listener('mail', ListenerKind.SMTP, Address('127.0.0.1', 25))\n"
        "load_ahead(Settings(listeners=(mail,), upstreams=()))\n"
        "sys.addaudithook(lambda name, _: name == 'open' and sys.exit(99))\n"
        "from revproxy.codecs.charset import CHARSETS, decode_text\n"
        "[decode_text(b'text', name.encode()) for name in CHARSETS]\n"
        "from revproxy.codecs.percent import decode_form_wide, decode_percent\n"
        "decode_percent(b'%41%zz\\\\' + b'x' * 40), decode_form_wide(b'%u0041%e9')\n"
        "'a.example'.encode('idna')\n"
        "import revproxy.proxy.smtp\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def rewritten(signatures: str) -> None:
    """Another word is the attack."""
    file = Path(signatures)
    file.write_text(file.read_text().replace("attack", "garden"))


async def test_rules_beside_those_in_force(settings: Make, tmp_path: Path, signatures: str) -> None:
    """They judge what begins then, change nothing, and go when they are to."""
    server = await asyncio.start_server(inside, "127.0.0.1", 0)
    made = settings(server.sockets[0].getsockname()[1])
    prepared = prepare(made)
    rewritten(signatures)
    other = prepare(made)
    parts = build(prepared, 0, prepared.pieces)
    assert parts.staged() is None
    with socket.create_server(("127.0.0.1", 0)) as sock:
        await parts.start({"web": sock})
        request = b"GET /?q=%b-1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        shadow = parts.load_staged(other, other.pieces)
        parts.stage(shadow)
        assert parts.status()["staged"] == other.ruleset_name
        assert (await answered(sock.getsockname(), request % b"garden")).endswith(b"inside")
        assert (await answered(sock.getsockname(), request % b"attack")).startswith(b"HTTP/1.1 403 ")
        if shadow._work is not None:
            await asyncio.wait_for(shadow._work, SECONDS)
        told = parts.staged()
        assert told is not None
        assert (told["judged"], told["new_denials"], told["let_pass"]) == (2, 1, 1)
        # What is beside is here already.
        parts.swap(parts.load(pickle.loads(pickle.dumps(other)), {}))
        parts.stage(None)
        assert parts.staged() is None
        assert (await answered(sock.getsockname(), request % b"garden")).startswith(b"HTTP/1.1 403 ")
        parts.stop_accepting()
        await parts.drain(1.0)
    assert "revproxy_staged_total" in json.dumps(parts.snapshot())
    await parts.close()
    server.close()
    audit = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert [record["type"] for record in audit].count("staged") == 2
    assert {record["ruleset"] for record in audit if record["type"] == "staged"} == {prepared.ruleset_name}
