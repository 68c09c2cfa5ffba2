"""`inspect`: items from files, a result each."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from revproxy.app.offline import Item, inspect, read_files, read_jsonl
from revproxy.config import Exclusion, Mail, MailDomain, Route, Settings
from revproxy.errors import ConfigError

CLEAN = b"GET /?q=1 HTTP/1.1\r\nHost: a\r\n\r\n"
HOSTILE = b"GET /?q=attack-1 HTTP/1.1\r\nHost: a\r\n\r\n"
BROKEN = b"GET / HTTP/1.1\r\n\r\n"


def line(name: object, raw: bytes, **more: object) -> bytes:
    return json.dumps({"id": name, "raw_b64": base64.b64encode(raw).decode(), **more}).encode() + b"\n"


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CLEAN)
    assert list(read_files([tmp_path / "a"])) == [Item(str(tmp_path / "a"), CLEAN)]
    with pytest.raises(ConfigError, match="gone"):
        list(read_files([tmp_path / "gone"]))


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_lines(tmp_path: Path, name: str) -> None:
    data = line(1, CLEAN) + b"\n" + line("two", HOSTILE, envelope={"from": "a@b"})
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert list(read_jsonl(tmp_path / name)) == [Item("1", CLEAN), Item("two", HOSTILE, {"from": "a@b"})]


@pytest.mark.parametrize("bad", [b"{}", b"[]", b"nothing", b'{"id": 1, "raw_b64": "!"}', b'{"id": 1, "raw_b64": 5}'])
def test_a_bad_line_is_named(tmp_path: Path, bad: bytes) -> None:
    (tmp_path / "a.jsonl").write_bytes(line(1, CLEAN) + bad + b"\n")
    with pytest.raises(ConfigError, match=r"a\.jsonl:2"):
        list(read_jsonl(tmp_path / "a.jsonl"))


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(line(1, CLEAN) * 100)[:-9])
    with pytest.raises(ConfigError, match=r"a\.gz"):
        list(read_jsonl(tmp_path / "a.gz"))
    with pytest.raises(ConfigError, match="gone"):
        list(read_jsonl(tmp_path / "gone.jsonl"))


@pytest.mark.parametrize(
    ("raw", "enforces", "verdict", "status", "rules"),
    [
        (CLEAN, True, "allow", None, []),
        (HOSTILE, True, "deny", 403, ["one"]),
        (HOSTILE, False, "deny", None, ["one"]),
        (BROKEN, True, "reject", 400, []),
    ],
)
def test_http(
    settings: Callable[..., Settings], raw: bytes, enforces: bool, verdict: str, status: int | None, rules: list[str]
) -> None:
    [got] = inspect("http", [Item("x", raw)], settings(), enforces)
    assert got.pop("micros") >= 0
    assert got.pop("score") == 5 * len(rules)
    assert got == {"id": "x", "verdict": verdict, "status": status, "rules": rules}


def test_mail(settings: Callable[..., Settings]) -> None:
    message = b"From: a@example.org\r\nSubject: hello\r\n\r\nHello.\r\n"
    [got] = inspect("mail", [Item("m", message, {"from": "a@example.org", "rcpt": ["b@example.org"]})], settings())
    assert (got["id"], got["verdict"], got["status"]) == ("m", "allow", None)


def test_what_routes_leave_out(settings: Callable[..., Settings]) -> None:
    made = settings(routes=(Route("all", "inside", exclusions=(Exclusion(("one",), path="/search"),)),))
    raws = [HOSTILE, HOSTILE.replace(b"/?", b"/search?")]
    got = inspect("http", [Item("x", raw) for raw in raws], made)
    assert [line["rules"] for line in got] == [["one"], []]
    common = replace(made.inspection, exclusions=(Exclusion(fields=("args:q",)),))
    (line,) = inspect("http", [Item("x", HOSTILE)], settings(routes=(), inspection=common))
    assert line["rules"] == []


def test_what_domains_leave_out(settings: Callable[..., Settings], signatures: str) -> None:
    text = Path(signatures).read_text().replace("[http]", "[smtp]").replace("[args]", "[subject]")
    Path(signatures).write_text(text.replace("args: {q: ", "subject: [").replace('"}', '"]'))
    lax = MailDomain("lax.example", "inside", exclusions=(Exclusion(("one",)),))
    made = settings(routes=(), mail=Mail(domains=(lax,)))
    message = b"Subject: attack-1\r\n\r\nHello.\r\n"
    items = [Item("m", message, {"rcpt": [to]}) for to in ("a@LAX.example", "a@b.example")]
    assert [line["rules"] for line in inspect("mail", items, made)] == [[], ["one"]]
