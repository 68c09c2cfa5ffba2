"""Sends the demo's cases through the front end and finds out what became of each. Blocking; runs in a thread."""

from __future__ import annotations

import http.client
import json
import smtplib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from revproxy.config import Address
from revproxy.demo.cases import DOMAIN, MAIL, WEB, MailCase, WebCase

_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `expected` is whether it went as it should have."""

    protocol: str
    title: str
    answer: str
    verdict: str
    rules: tuple[str, ...]
    reached: str
    expected: bool


class AccessLog:
    """Reads the front end's access log as it grows: one record for each transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def next(self, kind: str) -> dict[str, Any]:
        """The next record of that type; an empty one when none comes in time."""
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            for record in self._new():
                if record.get("type") == kind:
                    return record
            # The log is written by another process: there is nothing to wait on but the file.
            time.sleep(0.01)
        return {}

    def _new(self) -> Iterator[dict[str, Any]]:
        with self._path.open("rb") as file:
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._at += len(line)
                yield json.loads(line)


def web_rows(address: Address, log: AccessLog, detect: bool = False) -> Iterator[Row]:
    """Send the HTTP cases; with `detect` all of them are to pass."""
    for case in WEB:
        status, body = _request(address, case)
        record = log.next("http")
        passed = status == 200
        reached = _what_arrived(body) if passed else "nothing"
        yield _row("HTTP", case, str(status), record, reached, passed is (case.passes or detect))


def _request(address: Address, case: WebCase) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=_SECONDS)
    try:
        headers = {"Host": "www.example.org", "User-Agent": "demo/1.0", "Accept": "*/*", **case.headers}
        connection.request(case.method, case.target, case.body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _what_arrived(body: bytes) -> str:
    try:
        told = json.loads(body)
        body_length = f", body of {told['body_length']}" if told["body_length"] else ""
        return f"{told['method']} {told['target']}{body_length}"
    except (ValueError, KeyError, TypeError):
        return f"it, and answered with {len(body)} bytes"


def mail_rows(address: Address, log: AccessLog, detect: bool = False) -> Iterator[Row]:
    """Send the messages, each in a session of its own; with `detect` all of them are to pass but foreign mail."""
    for case in MAIL:
        code, text = _send(address, case)
        record = log.next("smtp")
        passed = code == 250
        expected = passed is (case.passes or (detect and case.to.endswith(f"@{DOMAIN}")))
        yield _row("SMTP", case, str(code), record, text if passed else "nothing", expected)


def _send(address: Address, case: MailCase) -> tuple[int, str]:
    """(code, text) of the reply that decided, of whichever command that was."""
    with smtplib.SMTP(address.host, address.port, local_hostname="client.example.net", timeout=_SECONDS) as session:
        session.ehlo()
        session.mail("ada@example.net")
        code, text = session.rcpt(case.to)
        if code == 250:
            code, text = session.data(case.body)
        return code, text.decode("utf-8", "replace")


def _row(protocol: str, case: WebCase | MailCase, answer: str, record: dict[str, Any], reached: str, ok: bool) -> Row:
    verdict = str(record.get("verdict", "?"))
    rules = tuple(record.get("rules", ())) or ((str(record["reason"]),) if record.get("reason") else ())
    return Row(protocol, case.title, answer, verdict, rules, reached, ok)


def rows(web: Address, mail: Address, log: Path, detect: bool = False) -> Iterator[Row]:
    """All cases, in order, as they come in."""
    access = AccessLog(log)
    yield from web_rows(web, access, detect)
    yield from mail_rows(mail, access, detect)


def hint(web: Address, mail: Address) -> list[str]:
    """What a person may try next."""
    return [
        f"curl -i 'http://{web}/hello?name=you'",
        f"curl -i 'http://{web}/item?id=1%27%20OR%201=1--'",
        f"swaks --server {mail.host} --port {mail.port} --to you@{DOMAIN}",
        f"curl 'http://{web}/mailbox'",
    ]
