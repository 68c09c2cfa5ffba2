"""What the sandbox costs: the same requests with it and without it, in alternating rounds."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from bench.http import BROWSER, PLAIN
from bench.measure import alternate, table, wrk
from bench.peers import Front, Peer, web_server

_TITLES = {"off": "1 kB GET without inspection", "enforce": "browser GET, own signatures"}


def run(rounds: int, seconds: int) -> list[str]:
    """The lines of both tables."""
    with tempfile.TemporaryDirectory(prefix="revproxy-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        inside = web_server(folder / "inside")
        try:
            return [line for mode in _TITLES for line in _compare(folder / mode, inside.port, mode, rounds, seconds)]
        finally:
            inside.stop()


def _compare(folder: Path, inside: int, mode: str, rounds: int, seconds: int) -> list[str]:
    folder.mkdir()
    script = folder / "load.lua"
    script.write_text(PLAIN if mode == "off" else BROWSER)
    fronts: dict[str, Peer] = {}
    try:
        for word in ("off", "on"):
            fronts[f"sandbox {word}"] = Front(folder / word, inside, None, mode, sandbox=word)
        contestants = {
            name: partial(wrk, front.url, front.pids, seconds, 16, script) for name, front in fronts.items()
        }
        return table(_TITLES[mode], alternate(contestants, rounds), "sandbox off")
    finally:
        for front in fronts.values():
            front.stop()
