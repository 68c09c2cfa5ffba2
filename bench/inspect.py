"""Microseconds of CPU time that one inspection takes, in process, for transactions that never repeat.

Run as `python -m bench.inspect [SIGNATURES]`; the default is the folder of shipped signatures. Linking is cold only
the first time: databases are kept where `revproxy inspect` keeps them.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from revproxy.app.store import FolderStore
from revproxy.detection.engine import Engine
from revproxy.detection.link import link
from revproxy.detection.rules import Rule
from revproxy.detection.sigyaml import load_signatures, lower
from revproxy.model import Phase, Protocol, Transaction

CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "revproxy"
SIGNATURES = Path(__file__).resolve().parent.parent / "signatures"
AGENT = b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
TEXT = (
    "alpha river stone window paper green market silver garden engine harbour letter mountain picture summer winter "
    "basket candle doctor flower guitar hammer island jacket kitchen ladder mirror number orange pencil quarter"
)
WORDS = TEXT.split()


class Traffic:
    """Transactions of a fixed pseudo-random sequence."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def _words(self, count: int) -> bytes:
        return " ".join(self._random.choice(WORDS) for _ in range(count)).encode()

    def _token(self) -> bytes:
        return b"%016x%08d" % (self._random.getrandbits(64), self._random.randrange(10**8))

    def _head(self, method: bytes, path: bytes, args: tuple[list[bytes], list[bytes]]) -> Transaction:
        tx = Transaction("bench", Protocol.HTTP)
        put = tx.fields.put
        query = b"&".join(k + b"=" + v.replace(b" ", b"+") for k, v in zip(*args, strict=True))
        uri = path + b"?" + query if query else path
        cookies = [b"session", b"theme", b"_seen"]
        values = [self._token(), b"dark", b"GA1.2." + self._token()]
        put("client", [b"192.0.2.7"])
        put("method", [method])
        put("version", [b"HTTP/1.1"])
        put("line", [method + b" " + uri + b" HTTP/1.1"])
        put("target", [uri])
        put("uri", [uri])
        put("path", [path])
        put("basename", [path.rpartition(b"/")[2]])
        put("query", [query])
        headers = {
            b"host": b"shop.example.org",
            b"user-agent": AGENT,
            b"accept": b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
            b"accept-language": b"en-GB,en;q=0.7,de;q=0.3",
            b"accept-encoding": b"gzip, deflate, br, zstd",
            b"referer": b"https://shop.example.org/list/" + self._token() + b"?page=3",
            b"cookie": b"; ".join(k + b"=" + v for k, v in zip(cookies, values, strict=True)),
            b"sec-fetch-mode": b"navigate",
            b"sec-fetch-site": b"same-origin",
            b"upgrade-insecure-requests": b"1",
        }
        put("headers", list(headers.values()), list(headers))
        put("cookies", values, cookies)
        put("args.get", args[1], args[0])
        put("args", args[1], args[0])
        return tx

    def page(self) -> Transaction:
        """A browser's GET: ten header fields, three arguments, three cookies."""
        names = [b"q", b"page", b"ref"]
        return self._head(b"GET", b"/shop/list.html", (names, [self._words(2), b"7", self._token()]))

    def _post(self, names: list[bytes], values: list[bytes], kind: bytes) -> Transaction:
        tx = self._head(b"POST", b"/shop/order", ([], []))
        tx.fields.put("args.post", values, names)
        tx.fields.put("args", values, names)
        tx.fields.put("body.type", [kind])
        tx.fields.put("body.length", [b"%d" % sum(map(len, values))])
        return tx

    def form(self, size: int) -> Transaction:
        """A form of `size` fields of plain text."""
        names = [b"field_%d" % i for i in range(size)]
        values = [self._words(self._random.randrange(1, 20)) for _ in range(size)]
        return self._post(names, values, b"URLENCODED")

    def rough(self, size: int) -> Transaction:
        """A form whose text has the marks that people use."""
        marks = [b" (see below)", b"; it's", b' "quoted"', b" & more", b" 100%", b", or not", b" #3"]
        names = [b"field_%d" % i for i in range(size)]
        values = [self._words(9) + self._random.choice(marks) + b" " + self._words(3) for _ in range(size)]
        return self._post(names, values, b"URLENCODED")

    def values(self) -> Transaction:
        """JSON of 4,800 values."""
        names = [b"json.items.%d.name" % i for i in range(4800)]
        return self._post(names, [self._words(2) for _ in names], b"JSON")

    def attack(self) -> Transaction:
        """SQL injection in one argument."""
        value = b"-%d' union select password,2 from users where 1=1-- -" % self._random.randrange(10**6)
        return self._head(b"GET", b"/shop/list.html", ([b"q", b"page"], [value, b"7"]))


def rules_of(folder: Path) -> list[Rule]:
    """The rules of every signature file of a folder."""
    return [lower(s) for file in sorted(folder.glob("*.yaml")) for s in load_signatures(file.read_text(), file.name)]


def measure(engine: Engine, make: Callable[[], Transaction], count: int) -> tuple[float, int]:
    """(median of five runs in microseconds, findings of the last transaction)."""
    runs = []
    found = 0
    for _ in range(5):
        transactions = [make() for _ in range(count)]
        start = time.process_time()
        for tx in transactions:
            engine.inspect(tx, Phase.HEAD, Phase.BODY)
        runs.append((time.process_time() - start) / count * 1e6)
        found = len(transactions[-1].findings)
    return sorted(runs)[2], found


def rows(engine: Engine) -> Iterator[tuple[str, float, int]]:
    """(what, microseconds, findings) of each load."""
    traffic = Traffic(1)
    loads: list[tuple[str, Callable[[], Transaction], int]] = [
        ("browser GET", traffic.page, 2000),
        ("form, 20 fields", lambda: traffic.form(20), 1000),
        ("form, 950 fields", lambda: traffic.form(950), 20),
        ("form, 20 fields, rough text", lambda: traffic.rough(20), 500),
        ("JSON, 4,800 values", traffic.values, 5),
        ("attack", traffic.attack, 500),
    ]
    for what, make, count in loads:
        yield (what, *measure(engine, make, count))


def main() -> None:
    """Print the table."""
    rules = rules_of(Path(sys.argv[1]) if len(sys.argv) > 1 else SIGNATURES)
    start = time.perf_counter()
    ruleset = link(rules, FolderStore(str(CACHE)))
    size = sum(map(len, ruleset.databases().values()))
    print(f"{len(rules)} rules, linked in {time.perf_counter() - start:.1f} s, databases {size >> 10} KiB")
    for note in ruleset.notes:
        print(f"  note: {note}")
    engine = Engine(ruleset, 4 * 1024 * 1024)
    for what, micros, found in rows(engine):
        print(f"{what:30} {micros:10.1f} us  {found} findings")


if __name__ == "__main__":
    main()
