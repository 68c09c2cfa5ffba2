"""`revproxy demo`, and the internal servers that it starts."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any

import click
from rich.console import Console

from revproxy.cli.common import address_option
from revproxy.cli.progress import Compiling

_WIDE = 200
"""Columns where there is no terminal: a file or a pipe takes lines as long as they are."""


def _url(_: click.Context, option: click.Parameter, value: str | None) -> object:
    from revproxy.demo.run import url_upstream

    if value is None:
        return None
    try:
        return url_upstream(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=option) from None


@click.command(
    epilog="""\b
Examples:
  revproxy demo                                   everything on this machine
  revproxy demo --once                            the table, then the end
  revproxy demo --web http://127.0.0.1:8000       before a web server of yours
  revproxy demo --rules coreruleset-4.28.0        HTTP held against OWASP CRS
  revproxy demo --mail 127.0.0.1:10025 --detect   before a mail server of yours, recording only

Exit codes: 0 all as expected, 1 something was not or could not start, 2 wrong use.
"""
)
@click.option(
    "--http",
    default="127.0.0.1:8080",
    show_default=True,
    metavar="HOST:PORT",
    callback=address_option,
    help="Where the front end takes HTTP.",
)
@click.option(
    "--smtp",
    default="127.0.0.1:2525",
    show_default=True,
    metavar="HOST:PORT",
    callback=address_option,
    help="Where it takes mail.",
)
@click.option("--web", metavar="URL", callback=_url, help="An internal web server of yours instead of ours.")
@click.option("--mail", metavar="HOST:PORT", callback=address_option, help="An internal mail server of yours.")
@click.option(
    "--rules", multiple=True, metavar="PATH", help="SecLang rules or a CRS folder for HTTP instead of our signatures."
)
@click.option("--paranoia", type=click.IntRange(1, 4), help="Their paranoia level.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Worker processes.")
@click.option("--detect", is_flag=True, help="Only record.")
@click.option("--once", is_flag=True, help="End after the table.")
def demo(
    http: object,
    smtp: object,
    web: object,
    mail: object,
    rules: tuple[str, ...],
    paranoia: int | None,
    workers: int,
    detect: bool,
    once: bool,
) -> None:
    """Start the front end before embedded internal servers, show what it does to a dozen cases, and stay up."""
    from revproxy.config import Address, Upstream
    from revproxy.demo.run import Options, run

    assert isinstance(http, Address)
    assert isinstance(smtp, Address)
    assert web is None or isinstance(web, Upstream)
    assert mail is None or isinstance(mail, Address)
    if 0 in (http.port, smtp.port):
        raise click.UsageError("--http and --smtp need a port each")
    upstream = None if mail is None else Upstream("mail", mail)
    with Compiling() as told:
        code = run(Options(http, smtp, web, upstream, workers, detect, once, rules, paranoia), _console(), told)
    sys.exit(code)


def _console() -> Console:
    """Colour and the terminal's width on a terminal only. What arrived from a wire is text, never markup."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else _WIDE, markup=False, highlight=False, emoji=False)


@click.group("demo-inside", hidden=True)
def demo_inside() -> None:
    """The internal servers of the demo, each a process of its own."""


@demo_inside.command("web")
@click.argument("address", callback=address_option)
@click.option("--mailbox", default="", metavar="URL", help="Where the internal mail server tells what it holds.")
def inside_web(address: object, mailbox: str) -> None:
    """The internal web application."""
    from revproxy.config import Address
    from revproxy.demo.inside import serve_web

    assert isinstance(address, Address)
    _serve(serve_web(address.host, address.port, mailbox))


@demo_inside.command("mail")
@click.argument("address", callback=address_option)
@click.option("--tell", default=0, metavar="PORT", help="Where it tells over HTTP what it holds.")
def inside_mail(address: object, tell: int) -> None:
    """The internal mail server."""
    from revproxy.config import Address
    from revproxy.demo.inside import serve_mail

    assert isinstance(address, Address)
    _serve(serve_mail(address.host, address.port, tell))


def _serve(server: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(server)
    except OSError as error:
        raise click.ClickException(str(error)) from None
