"""What both engines are shown: raw requests with a name each, from `../shared`, whole or a sample of them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from revproxy.app.ftw import build, load
from revproxy.inspection.sources import read_signature_files

SHARED = Path(__file__).resolve().parents[3] / "shared"
CRS = SHARED / "crs"
CORPORA = SHARED / "corpora"
_SAFE = frozenset(range(0x21, 0x7F))
_HEADERS = (
    b"Host: www.example.org\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-GB,en;q=0.5\r\n"
    b"Accept-Encoding: gzip, deflate, br\r\n"
    b"Referer: https://www.example.org/\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Item:
    """One request as on the wire."""

    name: str
    raw: bytes


def items(which: str, limit: int | None = None, every: int = 1) -> Iterator[Item]:
    """A set's requests: one in `every`, at most `limit` of them."""
    return islice(islice(SETS[which](), 0, None, every), limit)


def _suite() -> Iterator[Item]:
    for test in load(read_signature_files([CRS / "tests"])):
        for number, stage in enumerate(test.stages):
            yield Item(test.id if not number else f"{test.id}/{number + 1}", build(stage.given))


def _recorded(name: str) -> Callable[[], Iterator[Item]]:
    def read() -> Iterator[Item]:
        with gzip.open(CORPORA / name, "rb") as file:
            for line in file:
                record = json.loads(line)
                yield Item(str(record["id"]), base64.b64decode(record["raw_b64"]))

    return read


def _queries() -> Iterator[Item]:
    for number, line in _query_lines():
        yield _page(number, line if line.startswith(b"/") else b"/" + line)


def _query_values() -> Iterator[Item]:
    """Those that are no path, where they came from: as the value of an argument."""
    for number, line in _query_lines():
        if not line.startswith(b"/"):
            yield _page(number, b"/search?q=" + line)


def _query_lines() -> Iterator[tuple[int, bytes]]:
    with gzip.open(CORPORA / "queries-allow.txt.gz", "rb") as file:
        for number, line in enumerate(file):
            yield number, _escaped(line.rstrip(b"\r\n"), _SAFE)


def _lookalikes() -> Iterator[Item]:
    plain = frozenset(byte for byte in _SAFE if chr(byte).isalnum() or chr(byte) in "-_.~")
    with (CORPORA / "sqli-lookalikes-allow.txt").open("rb") as file:
        for number, line in enumerate(file):
            yield _page(number, b"/search?q=" + _escaped(line.rstrip(b"\r\n"), plain))


def _page(number: int, target: bytes) -> Item:
    return Item(str(number), b"GET " + target + b" HTTP/1.1\r\n" + _HEADERS)


def _escaped(data: bytes, safe: frozenset[int]) -> bytes:
    return b"".join(bytes([byte]) if byte in safe else b"%%%02X" % byte for byte in data)


SETS: dict[str, Callable[[], Iterator[Item]]] = {
    "crs": _suite,
    "deny": _recorded("browsing-deny.jsonl.gz"),
    "allow": _recorded("browsing-allow.jsonl.gz"),
    "queries": _queries,
    "values": _query_values,
    "sqli": _lookalikes,
}
"""By the name that the command line has for them."""
