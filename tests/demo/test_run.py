"""The demo's settings, addresses and table. Its whole run is in `tests/e2e/test_demo.py` and `tests/cli`."""

from __future__ import annotations

import io
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from revproxy.config import Address, ListenerKind, Mode, Upstream, UpstreamTls
from revproxy.demo.cases import DOMAIN, MAIL, WEB
from revproxy.demo.drive import Row
from revproxy.demo.run import WIDE, Options, address_of, run, settings_of, table, url_upstream

WEB_SERVER = Upstream("web", Address("10.0.0.1", 80))
MAIL_SERVER = Upstream("mail", Address("10.0.0.2", 25))


def options(**more: object) -> Options:
    usual = {"web": WEB_SERVER, "mail": MAIL_SERVER, "workers": 2, "detect": False, "once": True}
    return Options(Address("127.0.0.1", 8080), Address("127.0.0.1", 2525), **{**usual, **more})


@pytest.mark.parametrize(("detect", "mode"), [(False, Mode.ENFORCE), (True, Mode.DETECT)])
def test_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detect: bool, mode: Mode) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/a/cache")
    made = settings_of(options(detect=detect), WEB_SERVER, MAIL_SERVER, tmp_path)
    assert [(one.kind, str(one.bind)) for one in made.listeners] == [
        (ListenerKind.HTTP, "127.0.0.1:8080"),
        (ListenerKind.SMTP, "127.0.0.1:2525"),
    ]
    assert made.upstreams == (WEB_SERVER, MAIL_SERVER)
    assert [(route.upstream, route.mode) for route in made.routes] == [("web", mode)]
    assert made.mail is not None
    assert [(domain.domain, domain.upstream, domain.mode) for domain in made.mail.domains] == [(DOMAIN, "mail", mode)]
    assert (made.workers, made.cache) == (2, "/a/cache/revproxy")
    assert made.admin == Address("127.0.0.1", 0)
    written = [made.logs.access.to, made.logs.audit.to, made.control.path, made.spool]
    assert all(str(tmp_path) in place for place in written)
    assert list(Path(made.inspection.signatures[0]).glob("*.yaml"))


@pytest.mark.parametrize(
    ("url", "upstream"),
    [
        ("http://a.example", Upstream("web", Address("a.example", 80))),
        ("http://a.example:8000/", Upstream("web", Address("a.example", 8000))),
        ("https://a.example", Upstream("web", Address("a.example", 443), UpstreamTls())),
        ("https://[::1]", Upstream("web", Address("::1", 443), UpstreamTls())),
        ("http://[::1]:8000", Upstream("web", Address("::1", 8000))),
    ],
)
def test_a_url(url: str, upstream: Upstream) -> None:
    assert url_upstream(url) == upstream


@pytest.mark.parametrize(
    "url", ["", "a.example", "ftp://a", "http://", "http:///", "http://a/b", "http://a:b", "a:80"]
)
def test_what_is_no_url_of_a_server(url: str) -> None:
    with pytest.raises(ValueError, match="not "):
        url_upstream(url)


@pytest.mark.parametrize(
    ("text", "address"),
    [("a:1", Address("a", 1)), ("[::1]:65535", Address("::1", 65535)), ("127.0.0.1:0", Address("127.0.0.1", 0))],
)
def test_an_address(text: str, address: Address) -> None:
    assert address_of(text) == address
    assert address_of(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", "a", ":1", "a:", "a:65536", "a:-1", "a:x", "[]:1", "[:1", "[a:1", "a:١", "a: 1"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="not HOST:PORT"):
        address_of(text)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"(https?://)?\[?[a-z:]*\]?(:[0-9]{1,6})?/?")))
def test_any_text_is_an_address_or_not(text: str) -> None:
    for read in (address_of, lambda text: url_upstream(text).address):
        with suppress(ValueError):
            address = read(text)
            assert address.host
            assert 0 <= address.port <= 65535


RULES = ("command-unix-separator", "attachment-double-extension", "third")


def shown(width: int) -> str:
    """The table of all cases, as a terminal of that width has it."""
    got = [
        Row("HTTP", case.title, "200" if case.passes else "403", "allow" if case.passes else "deny",
            () if case.passes else RULES, f"{case.method} {case.target[:16]}" if case.passes else "nothing", True)
        for case in WEB
    ]  # fmt: skip
    got += [
        Row("SMTP", case.title, "250" if case.passes else "550", "allow" if case.passes else "reject",
            () if case.passes else RULES, "2.0.0 kept as number 1" if case.passes else "nothing", case.passes)
        for case in MAIL
    ]  # fmt: skip
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    console.print(table(got, width))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, WIDE - 1])
def test_the_table_on_a_narrow_terminal(width: int) -> None:
    text = shown(width)
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    # Every word of a title stands whole; so do the first signature and how many more there are.
    words = text.split()
    for case in (*WEB, *MAIL):
        assert set(case.title.split()) <= set(words)
    assert text.count("command-unix-separator +2") == sum(not case.passes for case in (*WEB, *MAIL))
    assert "reached the" in text
    assert len(text.splitlines()) <= 2 * len((*WEB, *MAIL)) + 4


@pytest.mark.parametrize("width", [WIDE, 200])
def test_the_table_on_a_wide_terminal(width: int) -> None:
    text = shown(width)
    assert text.count("command-unix-separator, attachment-double-extension +1") == sum(
        not case.passes for case in (*WEB, *MAIL)
    )
    assert len(text.splitlines()) == len((*WEB, *MAIL)) + 5


def test_what_arrived_is_no_markup() -> None:
    console = Console(file=io.StringIO(), width=200, markup=False)
    console.print(table([Row("HTTP", "a", "200", "allow", (), "GET /[/b][red]x", True)], 200))
    assert "GET /[/b][red]x" in console.file.getvalue()


def test_ctrl_c_while_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("revproxy.demo.run._inside", interrupted)
    before = threading.active_count()
    assert run(options(), Console(file=io.StringIO())) == 0
    assert threading.active_count() == before
