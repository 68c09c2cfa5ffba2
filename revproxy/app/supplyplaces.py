"""Where sets come from: addresses that an operator gives, looked at before anything is fetched from there.

They stand in records and in what is printed, so no secret is in one.
"""

from __future__ import annotations

import re
import ssl
from typing import Final
from urllib.parse import SplitResult, urlsplit

from revproxy.errors import PeerError, UseError
from revproxy.net.download import is_remote
from revproxy.updates.feeds import Source

_SENT: Final = re.compile(r"[!-~]*", re.ASCII)
"""What a path and a query are made of."""


def check_place(place: str) -> None:
    """Raises UseError for an address that nothing is fetched from, or that has a password in it.

    Addresses stand in records and in what is printed.
    """
    try:
        url = urlsplit(place)
        remote = is_remote(place)
    except ValueError:
        raise UseError("feed", "this is no address") from None
    except PeerError:
        raise UseError("feed", "no address: only https:// and files are fetched") from None
    if remote and "@" in url.netloc:
        raise UseError("feed", "no name and no password in an address, for records name it; a folder needs neither")
    if remote and not url.hostname:
        raise UseError("feed", f"{place}: no address: it names no host")
    if remote and not _is_port(url):
        raise UseError("feed", f"{place}: no address: its port is none")
    if remote and not _SENT.fullmatch(f"{url.path}{url.query}"):
        raise UseError("feed", f"{place}: no address: percent-encode what is no visible ASCII")


def _is_port(url: SplitResult) -> bool:
    try:
        return url.port != 0
    except ValueError:
        return False


def check_feed(source: Source) -> None:
    """Raises UseError where `check_place` does, for an address that no path can follow, and for a file of authorities
    that has none."""
    check_place(source.url)
    if "://" in source.url and (mark := next((one for one in "?#" if one in source.url), "")):
        raise UseError("feed", f"{source.url}: files are looked for below a feed's address, so it has no {mark!r}")
    try:
        if source.ca:
            ssl.create_default_context(cafile=source.ca)
    except OSError as error:
        said = "there is no certificate (PEM) in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise UseError("feed", f"{source.ca}: no file of authorities: {said}") from None
