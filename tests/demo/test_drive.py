"""What the driver sends, and the rows that it makes of the answers, the log and what arrived."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.smtp import SMTP

from revproxy.config import Address
from revproxy.demo import drive
from revproxy.demo.cases import DOMAIN, MAIL, WEB
from revproxy.demo.drive import AccessLog, Row, hint, mail_rows, rows, web_rows
from revproxy.demo.web import description

CASES = {True: "allow", False: "deny"}


class Front:
    """Does with the n-th case what should be done with it (or nothing, with `lax`), and writes the log."""

    def __init__(self, log: Path, lax: bool = False) -> None:
        self.log, self.lax, self.seen = log, lax, 0
        log.touch()

    def judge(self, kind: str, passes: bool) -> bool:
        self.seen += 1
        record = {"type": kind, "verdict": CASES[passes], "rules": [] if passes else ["one", "two", "three"]}
        with self.log.open("a") as file:
            file.write(json.dumps({"type": "other"}) + "\n" + json.dumps(record) + "\n")
        return passes or self.lax

    async def answer(self, request: web.Request) -> web.Response:
        case = WEB[self.seen]
        told = await description(request)
        assert (told["method"], told["target"], told["body_length"]) == (case.method, case.target, len(case.body))
        assert {name: request.headers[name] for name in case.headers} == case.headers
        if self.judge("http", case.passes):
            return web.json_response(told)
        return web.Response(status=403)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's
        envelope.rcpt_tos.append(address)
        case = MAIL[self.seen]
        assert address == case.to
        if not address.endswith(f"@{DOMAIN}"):
            self.judge("smtp", False)
            return "550 5.7.1 no relay"
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's
        case = MAIL[self.seen]
        assert envelope.content == case.body
        return "250 2.0.0 kept" if self.judge("smtp", case.passes) else "550 5.7.1 refused"


@asynccontextmanager
async def serving(front: Front) -> AsyncIterator[tuple[Address, Address]]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", front.answer)
    mail = await asyncio.get_running_loop().create_server(lambda: SMTP(front, hostname="a"), "127.0.0.1", 0)
    async with TestServer(app) as server, mail:
        yield Address("127.0.0.1", server.port), Address("127.0.0.1", mail.sockets[0].getsockname()[1])


async def test_all_cases_as_expected(tmp_path: Path) -> None:
    front = Front(tmp_path / "access.log")
    async with serving(front) as (web_address, mail_address):
        first = await asyncio.to_thread(list, web_rows(web_address, AccessLog(front.log)))
        front.seen = 0
        front.log.write_bytes(b"")
        second = await asyncio.to_thread(list, mail_rows(mail_address, AccessLog(front.log)))
    got = [*first, *second]
    assert all(row.expected for row in got)
    assert [row.title for row in got] == [case.title for case in (*WEB, *MAIL)]
    assert got[0] == Row("HTTP", "a page", "200", "allow", (), "GET /hello?name=ada", True)
    assert got[1].reached == "POST /login, body of 38"
    assert got[3] == Row("HTTP", WEB[3].title, "403", "deny", ("one", "two", "three"), "nothing", True)
    assert got[len(WEB)] == Row("SMTP", "a message", "250", "allow", (), "2.0.0 kept", True)
    assert got[-1] == Row("SMTP", MAIL[-1].title, "550", "deny", ("one", "two", "three"), "nothing", True)


@pytest.mark.parametrize("detect", [True, False])
async def test_where_all_passes(tmp_path: Path, detect: bool) -> None:
    front = Front(tmp_path / "access.log", lax=True)
    async with serving(front) as (web_address, _):
        got = await asyncio.to_thread(list, web_rows(web_address, AccessLog(front.log), detect))
    assert [row.expected for row in got] == [detect or case.passes for case in WEB]
    assert {row.answer for row in got} == {"200"}
    assert got[3].verdict == "deny"


async def test_both_kinds_from_one_log(tmp_path: Path) -> None:
    front = Front(tmp_path / "access.log")
    async with serving(front) as (web_address, mail_address):
        made = rows(web_address, mail_address, front.log)
        got = [await asyncio.to_thread(next, made) for _ in WEB]
        front.seen = 0
        got += await asyncio.to_thread(list, made)
    assert [row.protocol for row in got] == ["HTTP"] * len(WEB) + ["SMTP"] * len(MAIL)
    assert all(row.expected for row in got)


def test_the_log_is_read_by_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "_SECONDS", 0.05)
    path = tmp_path / "access.log"
    path.write_bytes(b'{"type": "other"}\n{"type": "http", "n": 1}\n{"type": "http", "n"')
    log = AccessLog(path)
    assert log.next("http")["n"] == 1
    assert log.next("http") == {}
    with path.open("ab") as file:
        file.write(b": 2}\n")
    assert log.next("http")["n"] == 2


def test_the_hints_name_the_addresses() -> None:
    told = hint(Address("127.0.0.1", 8080), Address("::1", 2525))
    assert any("curl" in line and "http://127.0.0.1:8080/" in line for line in told)
    assert any("swaks" in line and "--port 2525" in line and f"@{DOMAIN}" in line for line in told)
