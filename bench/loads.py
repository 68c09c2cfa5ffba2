"""Raw requests to inspect, made by the thousand: of each load every request is another one.

A load is a function of a `Maker`, which is a fixed pseudo-random sequence: two runs measure the same requests. What
"new" means stands at each load; numbers and words are drawn so that a value that is meant to be new never comes
again. `replayed` reads recorded traffic instead.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

CORPORA = Path(os.environ.get("CORPORA", Path(__file__).resolve().parents[2] / "shared" / "corpora"))
"""Recorded traffic (environment variable CORPORA)."""
_TEXT = (
    "alpha river stone window paper green market silver garden engine harbour letter mountain picture summer "
    "winter basket candle doctor flower guitar hammer island jacket kitchen ladder mirror number orange pencil "
    "quarter rocket saddle ticket valley wagon yellow anchor bridge copper desert eagle forest glacier hollow "
    "ivory jungle kettle lantern meadow needle oyster pepper quarry ribbon shelter timber violet willow yonder "
    "zephyr barrel canyon"
)
WORDS = _TEXT.split()
_NOTES = (
    'see "{a} {b}" (section {n}); it doesn\'t {c} when {d} = {n}',
    "the {a}'s {b}: {c}/{d}, {n}% slower -- why? (cf. #{n})",
    "{a}({b}, {n}); // returns '{c}' & frees {d}",
    "if the {a} isn't set; use {b}: {{{c}; {d}}} [x{n}]",
    '`{a} --{b}={n}` prints "{c}"; then, {d}\'s gone',
    "{a} <-> {b}: {n} * {n} + ({c} - {d}) = ok; don't ask",
)
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:{n}.0) Gecko/20100101 Firefox/{n}.0"


class Maker:
    """A fixed sequence of words, numbers and whole requests."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._count = 0

    def number(self, most: int = 10**9) -> int:
        """Any number."""
        return self._random.randrange(most)

    def fresh(self) -> str:
        """A word that never comes again."""
        self._count += 1
        return f"{self._random.choice(WORDS)}{self._count:x}{self._random.getrandbits(24):06x}"

    def words(self, count: int) -> str:
        """So many words, the last of which never comes again."""
        return " ".join([*self._random.choices(WORDS, k=count - 1), self.fresh()])

    def token(self) -> str:
        """What a session is known by."""
        self._count += 1
        return f"{self._random.getrandbits(96):024x}{self._count:x}"

    def note(self) -> str:
        """A line of technical notes: what people write, full of marks."""
        a, c, d = self._random.choices(WORDS, k=3)
        return self._random.choice(_NOTES).format(a=a, b=self.fresh(), c=c, d=d, n=self.number(1000))

    def pick(self, most: int) -> int:
        """A number below `most`, small ones far more often, as with pages and visitors."""
        return int(most ** self._random.random()) - 1

    def octets(self, count: int) -> bytes:
        """Bytes as of a picture."""
        return self._random.randbytes(count)


def _request(method: str, target: str, headers: list[tuple[str, str]], body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _browser(agent: int, cookie: str, referer: str) -> list[tuple[str, str]]:
    return [
        ("Host", "shop.example.org"),
        ("User-Agent", AGENT.format(n=agent)),
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"),
        ("Accept-Language", "en-GB,en;q=0.7,de;q=0.3"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
        ("Referer", referer),
        ("Cookie", cookie),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Upgrade-Insecure-Requests", "1"),
    ]


def _cookie(make: Maker) -> str:
    return f"session={make.token()}; theme=dark; _seen=GA1.2.{make.number()}.{make.number()}"


def get(make: Maker) -> bytes:
    """A browser's GET: query, referer and cookie are new, the rest is that browser's."""
    target = f"/shop/list?q={make.words(2).replace(' ', '+')}&page={make.number(90)}&ref={make.token()}"
    referer = f"https://shop.example.org/shop/list?q={make.words(2).replace(' ', '+')}"
    return _request("GET", target, _browser(140, _cookie(make), referer))


def get_unique(make: Maker) -> bytes:
    """A browser's GET in which no value of any header comes again, nor the path."""
    n = make.number()
    headers = [
        ("Host", f"h{make.fresh()}.example.org"),
        ("User-Agent", AGENT.format(n=n)),
        ("Accept", f"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8{n}"),
        ("Accept-Language", f"en-GB,en;q=0.7{n},de;q=0.3"),
        ("Accept-Encoding", f"gzip, deflate, br;q=0.9{n}"),
        ("Referer", f"https://shop.example.org/{make.fresh()}/list?q={make.fresh()}"),
        ("Cookie", f"session={make.token()}; theme={make.fresh()}; _seen=GA1.2.{make.number()}.{make.number()}"),
        ("X-Requested-With", f"app {make.fresh()}"),
    ]
    target = f"/shop/{make.fresh()}?q={make.words(2).replace(' ', '+')}&page={n}&ref={make.token()}"
    return _request("GET", target, headers)


def get_repeats(make: Maker) -> bytes:
    """Browsing as it is: few of many pages, browsers and visitors make up most of it; one query in four is new."""
    page, visitor = make.pick(5000), make.pick(2000)
    query = make.words(2).replace(" ", "+") if not make.number(4) else f"{WORDS[page % len(WORDS)]}+{page}"
    cookie = f"session={visitor * 7919:024x}; theme=dark; _seen=GA1.2.{visitor * 31}.{visitor * 17}"
    referer = f"https://shop.example.org/shop/{make.pick(5000)}.html"
    return _request("GET", f"/shop/{page}.html?q={query}&page=1", _browser(120 + make.pick(20), cookie, referer))


def _form(make: Maker, pairs: list[tuple[str, str]]) -> bytes:
    body = "&".join(f"{name}={_quoted(value)}" for name, value in pairs).encode()
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    return _request("POST", "/shop/order", [*_browser(140, _cookie(make), "https://shop.example.org/"), kind], body)


def _quoted(value: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "+" if c == " " else f"%{ord(c):02X}" for c in value)


def form(make: Maker) -> bytes:
    """A form of 20 fields of plain text."""
    return _form(make, [(f"field{i}", make.words(4)) for i in range(20)])


def long_form(make: Maker) -> bytes:
    """A form of 950 fields, 75 kB."""
    return _form(make, [(f"field{i}", make.words(9)[:70]) for i in range(950)])


def values(make: Maker) -> bytes:
    """JSON of 4,800 values, 100 kB."""
    items = [
        {
            "id": make.number(),
            "name": make.words(2),
            "tags": ["red", make.fresh(), "new"],
            "note": make.words(9),
            "price": make.number(100_000) / 100,
            "ok": True,
            "sizes": [1, make.number(50)],
            "maker": {"city": make.fresh(), "code": f"CH-{make.number(9000)}"},
        }
        for _ in range(400)
    ]
    body = json.dumps(items, separators=(",", ":")).encode()
    kind = ("Content-Type", "application/json")
    return _request("POST", "/api/items", [*_browser(140, _cookie(make), "https://shop.example.org/"), kind], body)


def upload(make: Maker) -> bytes:
    """A multipart form: ten fields of text, 10 kB together, and a picture of 20 kB."""
    mark = f"----form{make.token()}"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="field{i}"\r\n\r\n{make.words(140)}\r\n' for i in range(10)
    ]
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="photo"; filename="{make.fresh()}.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = "".join([*parts, head]).encode() + make.octets(20_000) + f"\r\n--{mark}--\r\n".encode()
    kind = ("Content-Type", f"multipart/form-data; boundary={mark}")
    return _request("POST", "/shop/photo", [*_browser(140, _cookie(make), "https://shop.example.org/"), kind], body)


def attack(make: Maker) -> bytes:
    """A GET with SQL injection in its query."""
    value = f"-{make.number()}' union select password,{make.number(99)} from users where 1=1-- -"
    return _request(
        "GET", f"/shop/list?q={_quoted(value)}&page=7", _browser(140, _cookie(make), "https://shop.example.org/")
    )


def notes(make: Maker) -> bytes:
    """A form with 2 kB of technical notes, full of marks."""
    text = ""
    while len(text) < 2000:
        text += make.note() + "\r\n"
    return _form(make, [("id", str(make.number())), ("text", text)])


def replayed() -> Iterator[bytes]:
    """`browsing-allow`, each request once."""
    with gzip.open(CORPORA / "browsing-allow.jsonl.gz", "rb") as file:
        for line in file:
            yield base64.b64decode(json.loads(line)["raw_b64"])


LOADS: dict[str, Callable[[Maker], bytes]] = {
    "get-unique": get_unique,
    "get": get,
    "get-repeats": get_repeats,
    "form": form,
    "long-form": long_form,
    "json": values,
    "multipart": upload,
    "attack": attack,
    "notes": notes,
}
"""By the name that the command line has for them; `allow` is the recorded one."""
REPLAYED = "allow"


def load(name: str, count: int, seed: int = 1) -> Iterator[bytes]:
    """So many requests of a load, each made when it is asked for."""
    if name == REPLAYED:
        return islice(replayed(), count)
    make = Maker(seed)
    return (LOADS[name](make) for _ in range(count))
