"""`python -m bench [options] [PART]...`: runs the benchmarks of these parts, or all; prints their tables."""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bench import crs, dial, growth, http, lag, mail, sandbox
from bench.peers import CRS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all of them")
    parser.add_argument("--rounds", type=int, help="alternating runs of each contestant (5; crs, growth: 3)")
    parser.add_argument("--seconds", type=int, help="length of a run (http: 5; crs: 3; lag: 60)")
    parser.add_argument("--rules", type=Path, default=CRS, metavar="PATH", help="a CRS folder; crs, growth, lag")
    parser.add_argument("--level", type=int, default=1, choices=(1, 2, 3, 4), help="paranoia level of that (1)")
    parser.add_argument("--load", action="append", choices=crs.LOADS, help="for crs, only this one; may be repeated")
    return parser


def _inspect(asked: argparse.Namespace) -> Iterable[str]:
    # A process of its own: what it compares us with has to be loaded before Hyperscan is.
    subprocess.run([sys.executable, "-m", "bench.inspect"], check=True)
    return ()


PARTS: dict[str, Callable[[argparse.Namespace], Iterable[str]]] = {
    "http": lambda asked: http.run(asked.rounds or 5, asked.seconds or 5),
    "dial": lambda asked: dial.run(asked.rounds or 5),
    "mail": lambda asked: mail.run(asked.rounds or 5),
    "inspect": _inspect,
    "crs": lambda asked: crs.run(asked.rules, asked.level, asked.load or [], asked.rounds or 3, asked.seconds or 3),
    "sandbox": lambda asked: sandbox.run(asked.rounds or 5, asked.seconds or 5),
    "growth": lambda asked: growth.run(asked.rules, asked.level, asked.rounds or 3),
    "lag": lambda asked: lag.run(asked.rules, asked.level, asked.seconds or 60),
}


def main() -> None:
    """Parse, run, print."""
    parser = _parser()
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}", flush=True)
    for part in asked.parts or PARTS:
        began = time.monotonic()
        for line in PARTS[part](asked):
            print(line, flush=True)
        print(f"  ({part} took {time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
