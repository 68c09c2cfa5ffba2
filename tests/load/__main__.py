"""`python -m tests.load [--seconds N] [--users N] [--web]`: the front end under load, with a table at the end.

One worker, a real nginx and Postfix's smtp-sink behind it, locust before it. Ends with 1 when anything failed: an
error, a wrong verdict, hostile traffic that reached the inside, a message that was lost or came twice.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.servers import Front, Nginx, Sink, configuration, cpu_seconds, forget_peak, memory_bytes, missing

ROOT = Path(__file__).resolve().parents[2]
LOCUSTFILE = ROOT / "tests/load/locustfile.py"
ATTACK_PATH = "/attack/"
_RCPT = re.compile(r"^X-Rcpt-Args: <([^>]*)>", re.MULTILINE)
_LIMITS = {"caps": {"connections_per_address": 10_000}}
"""Everybody comes from one address."""


@dataclass(frozen=True, slots=True)
class Servers:
    """What runs behind and before."""

    nginx: Nginx
    sink: Sink
    front: Front

    @classmethod
    def start(cls, folder: Path) -> Servers:
        """All three, ready."""
        nginx, sink = Nginx(folder / "nginx"), Sink(folder / "sink", dump=True)
        settings = configuration(folder / "front", nginx.port, sink.port, workers=1, limits=_LIMITS)
        return cls(nginx, sink, Front(folder / "front", settings))

    def stop(self) -> None:
        """All three."""
        for server in (self.front, self.sink, self.nginx):
            server.stop()

    def leaks(self) -> list[str]:
        """What reached the inside and should not have, or reached it twice."""
        hostile = sum(ATTACK_PATH in line for line in self.nginx.seen())
        dumped = self.sink.dump.read_text("latin-1") if self.sink.dump.exists() else ""
        twice = sum(count > 1 for count in Counter(_RCPT.findall(dumped)).values())
        told = {"hostile requests reached the web server": hostile, "messages reached the mail server twice": twice}
        return [f"{count} {what}" for what, count in told.items() if count]

    def messages(self) -> int:
        """How many the mail server has taken."""
        return len(_RCPT.findall(self.sink.dump.read_text("latin-1"))) if self.sink.dump.exists() else 0


def locust(servers: Servers, report: Path, *options: str, log: Path | None = None) -> int:
    """Run locust before the front end; its exit code. What it says goes to `log`, if there is one."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--host", servers.front.url, *options]
    environment = {
        **os.environ,
        "LOAD_SMTP": str(servers.front.ports["mail"]),
        "LOAD_REPORT": str(report),
    }
    with log.open("ab") if log is not None else nullcontext() as output:
        return subprocess.run(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, check=False
        ).returncode


def table(rows: list[dict[str, Any]]) -> str:
    """The figures of each group of requests."""
    lines = [
        f"{'':12s} {'number':>8s} {'per second':>11s} {'p50 ms':>8s} {'p99 ms':>8s} {'errors':>7s} {'wrong':>6s}"
    ]
    lines += [
        f"{row['name']:12s} {row['requests']:8d} {row['requests'] / row['seconds']:11.1f} "
        f"{row['p50']:8.0f} {row['p99']:8.0f} {row['errors']:7d} {row['wrong']:6d}"
        for row in rows
    ]
    return "\n".join(lines)


def measure(servers: Servers, folder: Path, seconds: int, users: int) -> int:
    """The load, and its table; the exit code."""
    (worker,) = servers.front.workers()
    forget_peak(worker)
    before, cpu, began = memory_bytes(worker), cpu_seconds(worker), time.monotonic()
    report = folder / "report.json"
    # Everybody is there after a fifth of the time.
    ramp = max(1.0, users / (seconds / 5))
    options = ["--headless", "-u", str(users), "-r", f"{ramp:g}", "-t", f"{seconds}s", "--stop-timeout", "30"]
    print(f"{users} users at most, {seconds} s ...", flush=True)
    locust(servers, report, *options, "--only-summary", log=folder / "locust.log")
    took, used = time.monotonic() - began, cpu_seconds(worker) - cpu
    if not report.exists():
        print("locust did not run:", (folder / "locust.log").read_text(), sep="\n", file=sys.stderr)
        return 1
    told = json.loads(report.read_text())
    rows, problems = told["rows"], told["said"] + servers.leaks()
    accepted = sum(row["requests"] - row["errors"] - row["wrong"] for row in rows if row["name"] == "mail")
    if servers.messages() != accepted:
        problems.append(f"{accepted} clean messages were accepted, {servers.messages()} reached the mail server")
    print(table(rows))
    print(
        f"\nthe front end's worker: {used / took:.0%} of a processor ({used:.1f} s in {took:.0f} s), "
        f"memory {before >> 20} MB before, {memory_bytes(worker, 'VmHWM') >> 20} MB at most"
    )
    for problem in problems:
        print(problem)
    failed = problems or not rows or any(row["errors"] or row["wrong"] for row in rows)
    print("failed" if failed else "no error, no wrong verdict")
    return 1 if failed else 0


def main() -> int:
    """Parse, start, run, stop."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long (60)")
    parser.add_argument("--users", type=int, default=100, help="how many at a time (100)")
    parser.add_argument("--web", action="store_true", help="locust's web page instead, until Ctrl-C")
    parser.add_argument("--web-port", type=int, default=8089, help="where (8089, on loopback)")
    arguments = parser.parse_args()
    lacking = missing("nginx", "smtp-sink") + ([] if importlib.util.find_spec("locust") else ["locust"])
    if lacking:
        print(f"needs {', '.join(lacking)}", file=sys.stderr)
        return 2
    # SIGTERM ends what was started as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="rp-load-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        servers = Servers.start(folder)
        try:
            if arguments.web:
                place = ("--web-host", "127.0.0.1", "--web-port", str(arguments.web_port))
                return locust(servers, folder / "report.json", *place, "-u", str(arguments.users), "-r", "5")
            return measure(servers, folder, arguments.seconds, arguments.users)
        except KeyboardInterrupt:
            return 0
        finally:
            servers.stop()


if __name__ == "__main__":
    sys.exit(main())
