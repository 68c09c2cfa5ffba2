"""How the time of an inspection grows with its size: microseconds of CPU time per kB, from 10 kB to 1 MB.

    python -m bench growth [--rules PATH] [--level N] [--rounds N]

In process and the whole way, as `bench.inspect` does it: the gate, the body read by its type, the fields, every phase
of a request. Every request is another one. A kB is 1,000 bytes of body as it stands on the wire. For each kind of
body the table has the median of each size, the ratio of the most expensive size to the cheapest one, and `growth`:
the same, but only of larger sizes to smaller ones. Under it stand bodies that a limit refuses, with the wall time
until they are.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

from bench.inspect import Ours
from bench.loads import Maker
from bench.peers import crs_files, crs_setup
from revproxy.app.ftw.inprocess import linked_of
from revproxy.app.unconfigured import offline_settings
from revproxy.config.shipped import shipped_signatures
from revproxy.model import ContentLimits

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
"""Bytes of body, about."""
WANTED = 2.0
"""How much more a kB of one size may cost than a kB of another."""
REFUSED_MS = 20.0
"""Milliseconds until a body over a limit is refused."""
_BUDGET = 3_000_000
"""Bytes of each size in a round: small ones are measured more often."""
_MOST = 30
_FIELD = 120
"""Bytes of a field or value: 1 MB of them stays under the 10,000 values that a body may have."""
_PART = 1_100
"""Bytes of a part of a multipart body: 1 MB of them stays under the 1,000 that there may be."""
_HEAD = (
    "POST /shop/order HTTP/1.1\r\nHost: shop.example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    "Accept: */*\r\nContent-Type: {type}\r\nContent-Length: {length}\r\n\r\n"
)
FORM = "application/x-www-form-urlencoded"
"""The type of forms."""
_JSON = "application/json"


def posted(kind: str, body: bytes) -> bytes:
    """A request with that body."""
    return _HEAD.format(type=kind, length=len(body)).encode() + body


def _filled(piece: Callable[[], str], size: int) -> str:
    """Pieces until they are `size` characters."""
    pieces: list[str] = []
    length = 0
    while length < size:
        pieces.append(piece())
        length += len(pieces[-1])
    return "".join(pieces)[:size]


def text(make: Maker, size: int) -> bytes:
    """One value of plain words."""
    return posted(FORM, b"text=" + _filled(lambda: make.words(9) + "+", size).replace(" ", "+").encode())


def rough(make: Maker, size: int) -> bytes:
    """One value full of marks, which are escaped."""
    lines = _filled(lambda: quote_plus(make.note() + "\r\n"), size)
    return posted(FORM, b"text=" + lines.rpartition("%")[0].encode())


def token(make: Maker, size: int) -> bytes:
    """One value that is a single word of letters and digits."""
    return posted(FORM, b"token=" + make.octets(size // 2).hex().encode())


def form(make: Maker, size: int) -> bytes:
    """Fields of a form."""
    fields = (f"field{i}={make.words(14).replace(' ', '+')}"[:_FIELD] for i in range(size // _FIELD))
    return posted(FORM, "&".join(fields).encode())


def values(make: Maker, size: int) -> bytes:
    """Values of JSON."""
    items = [make.words(14)[: _FIELD - 3] for _ in range(size // _FIELD)]
    return posted(_JSON, json.dumps(items, separators=(",", ":")).encode())


def parts(make: Maker, size: int) -> bytes:
    """Parts of a multipart form."""
    mark = f"form{make.token()}"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="field{{}}"\r\n\r\n'
    made = (head.format(i) + make.words(140)[: _PART - 100] + "\r\n" for i in range(size // _PART))
    return posted(f"multipart/form-data; boundary={mark}", ("".join(made) + f"--{mark}--\r\n").encode())


KINDS: dict[str, Callable[[Maker, int], bytes]] = {
    "text": text,
    "rough": rough,
    "token": token,
    "form": form,
    "json": values,
    "multipart": parts,
}
"""By the name in the table."""


def many(_make: Maker, count: int) -> bytes:
    """So many fields of a form, short ones."""
    return posted(FORM, "&".join(f"f{i}={i}" for i in range(count)).encode())


def nested(_make: Maker, depth: int) -> bytes:
    """JSON of that depth."""
    return posted(_JSON, b"[" * depth + b"1" + b"]" * depth)


REFUSALS: dict[str, tuple[Callable[[Maker, int], bytes], int]] = {
    "arguments": (many, ContentLimits().arguments + 1),
    "JSON depth": (nested, 10_000),
}
"""What a limit refuses: how it is made, and how much of it."""


@dataclass(frozen=True, slots=True)
class Grown:
    """Microseconds per kB of one kind, by size."""

    costs: dict[int, float]

    @property
    def ratio(self) -> float:
        """The most expensive kB to the cheapest one."""
        return max(self.costs.values()) / min(self.costs.values())

    @property
    def growth(self) -> float:
        """The same, of larger sizes to smaller ones only: what a request costs whatever its size is left out."""
        costs = list(self.costs.values())
        return max(cost / min(costs[: at + 1]) for at, cost in enumerate(costs))

    def row(self, kind: str) -> str:
        """A line of the table."""
        costs = "".join(f"{cost:10.1f}" for cost in self.costs.values())
        verdict = "met" if self.ratio <= WANTED else "NOT MET"
        return f"  {kind:12}{costs} {self.ratio:8.2f} {self.growth:8.2f} {verdict}"


def grown(kind: str, ours: Ours, rounds: int, sizes: tuple[int, ...] = SIZES) -> Grown:
    """One kind, all sizes in turn."""
    make = Maker(1)
    costs: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            raws = [KINDS[kind](make, size) for _ in range(max(1, min(_MOST, _BUDGET // size)))]
            lengths = [len(raw.partition(b"\r\n\r\n")[2]) for raw in raws]
            times, _ = ours.run(raws)
            costs[size] += [1e3 * each / length for each, length in zip(times, lengths, strict=True)]
    return Grown({size: statistics.median(found) for size, found in costs.items()})


def refused(name: str, ours: Ours, rounds: int) -> str:
    """A line for what a limit refuses: the status, and the median wall time in milliseconds."""
    made, count = REFUSALS[name]
    raw = made(Maker(1), count)
    times = []
    status = None
    for _ in range(rounds):
        began = time.perf_counter()
        status = ours.outcome(raw).status
        times.append(1e3 * (time.perf_counter() - began))
    took = statistics.median(times)
    verdict = "met" if status is not None and took < REFUSED_MS else "NOT MET"
    return f"  {name:12} {count:6} answered {status} after {took:.1f} ms (under {REFUSED_MS:g} ms) {verdict}"


def ours_of(rules: Path, level: int) -> Ours:
    """Our engine with the CRS folder, or with our own signatures where it is not there."""
    paths = [str(rules if crs_files(rules) else shipped_signatures())]
    return Ours(linked_of(paths, crs_setup(level), offline_settings()))


def run(rules: Path, level: int, rounds: int) -> Iterator[str]:
    """The lines of both tables."""
    ours = ours_of(rules, level)
    ours.run([form(Maker(0), SIZES[0])])
    yield f"\nMicroseconds of CPU time per kB by size of body, level {level}; ratio wanted: {WANTED:g}"
    yield f"  {'kind':12}{''.join(f'{size // 1000:>7} kB' for size in SIZES)} {'ratio':>8} {'growth':>8}"
    for kind in KINDS:
        yield grown(kind, ours, rounds).row(kind)
    for name in REFUSALS:
        yield refused(name, ours, rounds)
