"""CPU time of a process, load from wrk, medians of alternating runs."""

from __future__ import annotations

import re
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_REQUESTS = re.compile(rb"(\d+) requests in")
_BAD = re.compile(rb"Non-2xx or 3xx responses: (\d+)|Socket errors: .*")


def cpu_seconds(pids: list[int]) -> float:
    """CPU time that the threads of these processes have used, in seconds, to the nanosecond."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def share_of(times: Sequence[float], share: float) -> float:
    """What that share of the times stays under; 1 is the longest one. Of no times: 0."""
    return sorted(times)[int(share * (len(times) - 1))] if times else 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a load against one process."""

    done: int
    cpu: float
    note: str = ""

    @property
    def rate(self) -> float:
        """Done per second of CPU time."""
        return self.done / self.cpu if self.cpu else 0.0


def wrk(url: str, pids: list[int], seconds: int, connections: int, script: Path | None = None) -> Run:
    """Run wrk with one thread; `note` tells of errors and of answers that were no 2xx or 3xx."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *(["-s", str(script)] if script else []), url]
    before = cpu_seconds(pids)
    output = subprocess.run(command, capture_output=True, check=True).stdout
    used = cpu_seconds(pids) - before
    found = _REQUESTS.search(output)
    bad = _BAD.search(output)
    return Run(int(found[1]) if found else 0, used, bad[0].decode() if bad else "")


def alternate(contestants: dict[str, Callable[[], Run]], rounds: int) -> dict[str, list[Run]]:
    """Each contestant once in every round, so that a machine that drifts does so for all of them."""
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            runs[name].append(run())
    return runs


def table(title: str, runs: dict[str, list[Run]], base: str) -> list[str]:
    """Median rate of each, and the median of the ratios to `base`, round by round."""
    lines = [f"\n{title}"]
    for name, mine in runs.items():
        ratios = [run.rate / other.rate for run, other in zip(mine, runs[base], strict=True) if other.rate]
        ratio = f"{statistics.median(ratios):7.2f} of {base}" if name != base and ratios else ""
        rate = statistics.median(run.rate for run in mine)
        low, high = min(run.rate for run in mine), max(run.rate for run in mine)
        notes = {run.note for run in mine if run.note}
        lines.append(f"  {name:34s} {rate:10.0f} per CPU-second ({low:.0f}-{high:.0f}) {ratio} {' '.join(notes)}")
    return lines
