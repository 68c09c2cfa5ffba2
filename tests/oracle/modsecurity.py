"""The oracle: real ModSecurity 3 (`libmodsecurity` from PyPI), asked about one transaction after the other.

It runs in a process of its own, which may crash, hang or grow: that is an answer too (`Seen.trouble`), and a new
process takes over. Answers are kept in a file of the user's cache folder, by content of rules and transaction, so
that a second run over the same traffic takes seconds. Nothing here knows our engine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.oracle.exchanges import Exchange
from tests.oracle.frames import read, write

_ROOT = Path(__file__).resolve().parents[2]
_LOADING_SECONDS = 60.0
_KEPT_AT_ONCE = 200
"""Answers between two commits of the cache."""
_LIFE = 10_000
"""Transactions that one process serves: libmodsecurity does not give everything back."""


def available() -> bool:
    """Whether the wheel is installed. It is not imported here: what it links to stays out of this process."""
    try:
        version("libmodsecurity")
    except PackageNotFoundError:
        return False
    return True


class RulesRefused(Exception):
    """ModSecurity does not take the rules."""


@dataclass(frozen=True, slots=True)
class Rules:
    """SecLang, in the order in which it is read: ("text", rules) and ("file", path)."""

    parts: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """Changes when a rule does, when one of the data files beside it does, and with the library."""
        made = hashlib.sha256(version("libmodsecurity").encode())
        for kind, what in self.parts:
            made.update(kind.encode() + b"\0")
            if kind == "text":
                made.update(what.encode())
                continue
            for file in sorted({Path(what), *Path(what).parent.glob("*.data")}):
                made.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
        return made.hexdigest()[:32]


def crs(folder: Path, *before: str) -> Rules:
    """A CRS folder as it is loaded: texts of one's own, its setup (or the example of it), its rules in order."""
    setup = folder / "crs-setup.conf"
    files = [setup if setup.exists() else folder / "crs-setup.conf.example", *sorted(folder.glob("rules/*.conf"))]
    return Rules((*(("text", text) for text in before), *(("file", str(file)) for file in files)))


@dataclass(frozen=True, slots=True)
class Seen:
    """What ModSecurity did. `rules` are the ids of those that matched and log, in order, one for each match."""

    rules: tuple[int, ...]
    status: int | None = None
    """Of the first intervention; None where there is none, as always in detection only."""
    trouble: str = ""
    """"crash", "timeout" or what the binding did not take; then there is nothing else."""
    lines: tuple[str, ...] = ()
    """Its log lines, from `explain` only."""


class Oracle:
    """One set of rules. Use it in a `with` block."""

    def __init__(self, rules: Rules, cache: Path | None = None, seconds: float = 30.0) -> None:
        """`cache` is a folder, the user's own if None; `seconds` is for one transaction. Raises RulesRefused."""
        self._rules = rules
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._served = 0
        self.asked = 0
        """Transactions that were not in the cache."""
        folder = cache or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "revproxy-oracle"
        folder.mkdir(parents=True, exist_ok=True)
        self._kept = sqlite3.connect(folder / f"{rules.digest}.sqlite", timeout=60)
        self._kept.execute("CREATE TABLE IF NOT EXISTS seen (key BLOB PRIMARY KEY, answer TEXT) WITHOUT ROWID")
        self._fresh = 0

    def __enter__(self) -> Oracle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, given: Exchange) -> Seen:
        """What it says about one transaction, perhaps from memory."""
        key = hashlib.sha256(repr(given).encode()).digest()
        row = self._kept.execute("SELECT answer FROM seen WHERE key = ?", (key,)).fetchone()
        if row is not None:
            rules, status = json.loads(row[0])
            return Seen(tuple(rules), status)
        seen = self._ask(given, False)
        if seen.trouble:
            return seen
        answer = json.dumps([seen.rules, seen.status])
        self._kept.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (key, answer))
        self._fresh += 1
        if self._fresh % _KEPT_AT_ONCE == 0:
            self._kept.commit()
        return seen

    def explain(self, given: Exchange) -> Seen:
        """The same with log lines, which tell message, match and logdata of each rule; never from memory."""
        return self._ask(given, True)

    def many(self, given: Iterable[Exchange]) -> list[Seen]:
        """One after the other."""
        return [self.run(one) for one in given]

    def close(self) -> None:
        """Keep what is new, let the process end."""
        with contextlib.suppress(sqlite3.Error):
            self._kept.commit()
        self._kept.close()
        self._end()

    def _ask(self, given: Exchange, explain: bool) -> Seen:
        if self._channel is None or self._served >= _LIFE:
            self._begin()
        assert self._channel is not None
        self.asked += 1
        self._served += 1
        try:
            write(self._channel, pickle.dumps((astuple(given), explain)))
            frame = read(self._channel)
        except TimeoutError:
            self._end()
            return Seen((), trouble="timeout")
        except OSError:
            frame = b""
        if not frame:
            self._end()
            return Seen((), trouble="crash")
        rules, status, trouble, lines = pickle.loads(frame)
        return Seen(tuple(rules), status, trouble, tuple(lines))

    def _begin(self) -> None:
        self._end()
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.oracle.child", str(theirs.fileno())]
        # libxml2 tells stderr of every document that is none.
        self._process = subprocess.Popen(
            command,
            cwd=_ROOT,
            pass_fds=[theirs.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        self._channel, self._served = ours, 0
        ours.settimeout(_LOADING_SECONDS)
        write(ours, pickle.dumps(list(self._rules.parts)))
        frame = read(ours)
        wrong = pickle.loads(frame) if frame else "its process ended"
        if wrong:
            self._end()
            raise RulesRefused(wrong)
        ours.settimeout(self._seconds)

    def _end(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._channel = None
