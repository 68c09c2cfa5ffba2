"""Audit records of denied transactions, read from logs: what is no record is noted at its place and counted.

A record is hostile in its values, and a log may be anybody's: sizes are bounded, types are checked, and nothing in it
ends the reading. What denials come to does not belong here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from sys import intern
from typing import Any

from revproxy.app.lines import lines_of
from revproxy.audit.findings import VERSION
from revproxy.detection.rules import FIELDS
from revproxy.errors import ConfigError, Location
from revproxy.model import Action, Phase, Severity

LINE_BYTES = 64 * 1024
"""Longest line that is read; a record has some kilobytes at most."""
MOST_DENIALS = 300_000
"""So many findings are kept, some hundred megabytes at most; those of later lines are counted only."""
NOTED = 10
"""So many places are named of what could not be read; all are counted."""
TARGET_CHARS = 512
"""What is kept of a target: its path and some of its query."""
_TEXT_CHARS = 512
_DENIED = frozenset({Action.DENY.value, Action.DROP.value})
_OTHERS = frozenset({"http", "smtp", "staged"})
"""Access records, which may stand in the same log, and those of sets that are staged: nothing was denied there."""
_SEVERITIES = {one.name.lower(): one for one in Severity}
_WORDS = ("id", "client", "protocol", "route", "rule", "message", "field", "key", "excerpt", "reason")
_NUMBERS = ("phase", "score", "total")


@dataclass(frozen=True, slots=True)
class Denial:
    """One finding of a transaction that was denied, or would have been (mode detect). `at` is in seconds."""

    id: str
    at: float
    client: str
    protocol: str
    route: str
    rule: str
    field: str
    key: str
    message: str = ""
    severity: Severity = Severity.CRITICAL
    phase: int = 2
    score: int = 0
    total: int = 0
    reason: str = "score"
    excerpt: str = ""
    method: str = ""
    host: str = ""
    target: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is a reason for the denial, rather than what adds up or reports what others found."""
        return self.phase != Phase.LOG and (self.rule != self.reason or self.field in FIELDS)


@dataclass(slots=True)
class Denials:
    """What was read: the denials in order, and what was not read."""

    found: list[Denial] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    """How often something could not be read, by why."""
    noted: list[ConfigError] = field(default_factory=list)
    """The first of them."""
    records: int = 0
    """Records of findings and transactions of any kind."""
    beyond: int = 0
    """Denials that there was no room for."""

    def note(self, error: ConfigError) -> None:
        """Count what could not be read."""
        self.wrong[error.message] += 1
        if len(self.noted) < NOTED:
            self.noted.append(error)

    def add(self, denial: Denial) -> None:
        """Keep it, while there is room."""
        if len(self.found) < MOST_DENIALS:
            self.found.append(denial)
        else:
            self.beyond += 1


def read_denials(paths: Iterable[Path], since: float = 0.0) -> Denials:
    """All of these logs (`.gz`, `-` for standard input); `since` is the earliest `time.time()` that counts."""
    read = Denials()
    for path in paths:
        try:
            for where, line in lines_of(path, LINE_BYTES):
                _take(read, where, line, since)
        except ConfigError as error:
            read.note(error)
    return read


def _take(read: Denials, where: Location, line: bytes | None, since: float) -> None:
    try:
        denial = _denial(_record(line))
    except ValueError as error:
        read.note(ConfigError(str(error), where))
        return
    read.records += 1
    if denial is not None and denial.at >= since:
        read.add(denial)


def _record(line: bytes | None) -> dict[str, Any]:
    """Raises ValueError with what is wrong, in fixed words."""
    if line is None:
        raise ValueError(f"a line of more than {LINE_BYTES} bytes")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not a record: no JSON") from None
    if not isinstance(record, dict) or not isinstance(record.get("type"), str):
        raise ValueError("not a record: no `type`")
    version = record.get("version", VERSION)
    if not isinstance(version, int) or version > VERSION:
        raise ValueError("a record of a newer version")
    return record


def _denial(record: dict[str, Any]) -> Denial | None:
    """None for what is no denial. Raises ValueError."""
    if record["type"] != "finding":
        if record["type"] not in _OTHERS:
            raise ValueError("a record of a kind that this version does not know")
        return None
    words = {name: _clean(_checked(record, name, str))[:_TEXT_CHARS] for name in _WORDS}
    if _checked(record, "verdict", str) not in _DENIED:
        return None
    shared: dict[str, Any] = {
        name: intern(words[name]) for name in ("client", "route", "rule", "field", "key", "message")
    }
    request = {name: _clean(str(record.get(name, "")))[:TARGET_CHARS] for name in ("method", "host", "target")}
    numbers: dict[str, Any] = {name: _checked(record, name, int) for name in _NUMBERS}
    severity = _SEVERITIES.get(_checked(record, "severity", str), Severity.CRITICAL)
    return Denial(**{**words, **shared, **numbers, **request}, at=_time(record), severity=severity)


def _clean(text: str) -> str:
    """Half of a surrogate pair can stand in JSON, and nowhere else."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _checked(record: dict[str, Any], name: str, kind: Callable[[Any], Any]) -> Any:
    value = record.get(name)
    if type(value) is not kind:
        raise ValueError(f"not a record of a finding: no `{name}`")
    return value


def _time(record: dict[str, Any]) -> float:
    try:
        return datetime.fromisoformat(_checked(record, "ts", str)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError("not a record of a finding: no `ts`") from None
