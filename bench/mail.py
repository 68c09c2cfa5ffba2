"""Mail through the front end to smtp-sink, beside smtp-sink alone: messages of 4 kB, 20 sessions at a time."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from bench.measure import Run, alternate, cpu_seconds
from bench.peers import Front, smtp_sink, web_server

_MESSAGES = 2_000


def source(port: int, pids: list[int], messages: int = _MESSAGES) -> tuple[Run, float]:
    """(run, messages per second of wall time) of smtp-source."""
    command = ["smtp-source", "-s", "20", "-l", "4096", "-m", str(messages), "-f", "a@example.net"]
    before, began = cpu_seconds(pids), time.monotonic()
    subprocess.run([*command, "-t", "b@example.org", f"127.0.0.1:{port}"], check=True)
    wall = time.monotonic() - began
    return Run(messages, cpu_seconds(pids) - before), messages / wall


def run(rounds: int) -> list[str]:
    """The comparison; the lines of its table."""
    with tempfile.TemporaryDirectory(prefix="revproxy-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        sink, web = smtp_sink(folder / "sink"), web_server(folder / "web")
        front = Front(folder / "front", web.port, sink.port, "enforce")
        walls: dict[str, list[float]] = {"front": [], "sink": []}

        def through() -> Run:
            got, wall = source(front.smtp, front.pids)
            walls["front"].append(wall)
            return got

        def alone() -> Run:
            got, wall = source(sink.port, sink.pids)
            walls["sink"].append(wall)
            return got

        try:
            runs = alternate({"front": through, "sink": alone}, rounds)
        finally:
            for peer in (front, sink, web):
                peer.stop()
    lines = ["\n4 kB messages, 20 sessions at a time, a new session for each message"]
    for label, key in (("through revproxy to smtp-sink", "front"), ("smtp-sink alone", "sink")):
        rate = sorted(run.rate for run in runs[key])[len(runs[key]) // 2]
        wall = sorted(walls[key])[len(walls[key]) // 2]
        lines.append(f"  {label:34s} {wall:8.0f} messages/s, {rate:8.0f} per CPU-second of it")
    return lines
