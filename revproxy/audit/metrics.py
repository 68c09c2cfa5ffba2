"""What a worker counts: plain dicts and lists, added up by whoever shows them.

One table names every metric; an unknown name is a bug (KeyError). A worker's `Metrics` is used by its loop's thread
only. `snapshot` gives plain JSON values that go over a pipe; `merge` adds those of several workers; `prometheus`
writes them. Nothing here samples, schedules or listens.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

Snapshot = dict[str, Any]
"""{"counters": {name: [[labels, number], ..]}, "gauges": the same, "histograms": {name: {"counts", "sum"}}}"""

BUCKETS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    60.0,
)
"""Upper bounds in seconds of every histogram; one more bucket holds what is above."""


class Kind(StrEnum):
    """What a metric is, and how workers' values become one."""

    COUNTER = "counter"
    SUM = "sum"
    """A gauge that is added up (connections, memory)."""
    MAX = "max"
    """A gauge of which the greatest counts (lag, age)."""
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """A line of the table."""

    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


METRICS: dict[str, Metric] = {
    "revproxy_requests_total": Metric(Kind.COUNTER, "HTTP requests answered.", ("listener", "code_class", "verdict")),
    "revproxy_messages_total": Metric(Kind.COUNTER, "Mail messages answered.", ("verdict",)),
    "revproxy_sessions_total": Metric(Kind.COUNTER, "SMTP sessions begun.", ("listener",)),
    "revproxy_connections_total": Metric(Kind.COUNTER, "Connections accepted.", ("listener",)),
    "revproxy_findings_total": Metric(Kind.COUNTER, "Findings by the signature that made them.", ("rule",)),
    "revproxy_refused_total": Metric(
        Kind.COUNTER, "Refused before inspection, by the gate, a limit or a cap.", ("reason",)
    ),
    "revproxy_staged_total": Metric(
        Kind.COUNTER, "Transactions while a set of signatures is staged, by what became of them there.", ("outcome",)
    ),
    "revproxy_inspection_failures_total": Metric(
        Kind.COUNTER, "Transactions for which no decision could be made.", ("reason",)
    ),
    "revproxy_upstream_failures_total": Metric(
        Kind.COUNTER, "Internal servers refused, broken or silent.", ("upstream", "reason")
    ),
    "revproxy_records_dropped_total": Metric(Kind.COUNTER, "Log records that were lost.", ("kind",)),
    "revproxy_bytes_total": Metric(Kind.COUNTER, "Bytes of clients' connections.", ("listener", "direction")),
    "revproxy_request_seconds": Metric(Kind.HISTOGRAM, "From a request's first byte to the answer's last."),
    "revproxy_message_seconds": Metric(Kind.HISTOGRAM, "From a message's MAIL command to its reply."),
    "revproxy_inspection_seconds": Metric(Kind.HISTOGRAM, "Time spent inspecting a transaction."),
    "revproxy_upstream_seconds": Metric(Kind.HISTOGRAM, "From a request sent inside to the answer's head."),
    "revproxy_loop_late_seconds": Metric(Kind.HISTOGRAM, "How late event loops run, looked at 50 times a second."),
    "revproxy_client_connections": Metric(Kind.SUM, "Open connections of clients.", ("listener",)),
    "revproxy_upstream_connections": Metric(Kind.SUM, "Connections to internal servers.", ("upstream", "state")),
    "revproxy_transactions": Metric(Kind.SUM, "Transactions under way."),
    "revproxy_body_memory_bytes": Metric(Kind.SUM, "Bodies and messages held in memory."),
    "revproxy_spool_bytes": Metric(Kind.SUM, "Bodies and messages held in spool files."),
    "revproxy_records_waiting": Metric(Kind.SUM, "Log records that are not written yet.", ("kind",)),
    "revproxy_memory_bytes": Metric(Kind.SUM, "Resident memory of the workers."),
    "revproxy_workers": Metric(Kind.SUM, "Workers that answered."),
    "revproxy_loop_lag_seconds": Metric(Kind.MAX, "How late the slowest worker's event loop runs."),
    "revproxy_start_time_seconds": Metric(Kind.MAX, "When the newest worker started, in seconds of the Unix epoch."),
    "revproxy_ruleset_info": Metric(Kind.MAX, "1 for the rule set in use.", ("name",)),
}
"""Every metric there is."""

Labels = tuple[str, ...]


class Histogram:
    """Counts of one metric by bucket. Keep it at hand where it is used for every transaction."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class Metrics:
    """The numbers of one worker."""

    __slots__ = ("_counters", "_gauges", "_histograms")

    def __init__(self) -> None:
        names = {kind: [name for name, metric in METRICS.items() if metric.kind is kind] for kind in Kind}
        self._counters: dict[str, defaultdict[Labels, int]] = {n: defaultdict(int) for n in names[Kind.COUNTER]}
        self._gauges: dict[str, dict[Labels, float]] = {n: {} for n in names[Kind.SUM] + names[Kind.MAX]}
        self._histograms = {n: Histogram() for n in names[Kind.HISTOGRAM]}

    def count(self, name: str, labels: Labels = (), by: int = 1) -> None:
        """Add to a counter; `labels` are values in the table's order."""
        self._counters[name][labels] += by

    def counter(self, name: str) -> defaultdict[Labels, int]:
        """A counter's own dict, for a hot path: `requests[labels] += 1`."""
        return self._counters[name]

    def set_count(self, name: str, value: int, labels: Labels = ()) -> None:
        """Take over a number that is counted elsewhere and only grows (dropped records)."""
        self._counters[name][labels] = value

    def gauge(self, name: str, value: float, labels: Labels = ()) -> None:
        """Set a gauge."""
        self._gauges[name][labels] = value

    def observe(self, name: str, seconds: float) -> None:
        """Count a duration; on a hot path keep `histogram(name)` and call its `observe`."""
        self._histograms[name].observe(seconds)

    def histogram(self, name: str) -> Histogram:
        """The histogram itself."""
        return self._histograms[name]

    def snapshot(self) -> Snapshot:
        """A copy in plain JSON values."""
        return {
            "counters": {name: _pairs(series) for name, series in self._counters.items() if series},
            "gauges": {name: _pairs(series) for name, series in self._gauges.items() if series},
            "histograms": {name: {"counts": list(h.counts), "sum": h.total} for name, h in self._histograms.items()},
        }


def _pairs(series: Mapping[Labels, float]) -> list[list[Any]]:
    return [[list(labels), value] for labels, value in series.items()]


def checked(told: Any) -> Snapshot:
    """What another process says are its numbers. Raises ValueError for what `merge` could not add up."""
    try:
        for part, kinds in (("counters", (Kind.COUNTER,)), ("gauges", (Kind.SUM, Kind.MAX))):
            for name, series in told[part].items():
                metric = _metric(name, kinds)
                for labels, value in series:
                    _check(len(labels) == len(metric.labels) and all(isinstance(label, str) for label in labels))
                    _check(_is_number(value))
        for name, one in told["histograms"].items():
            _metric(name, (Kind.HISTOGRAM,))
            _check(len(one["counts"]) == len(BUCKETS) + 1 and all(map(_is_number, [*one["counts"], one["sum"]])))
    except (LookupError, TypeError, AttributeError, OverflowError, ValueError) as error:
        raise ValueError("no numbers of a worker") from error
    return dict(told)


def _metric(name: str, kinds: tuple[Kind, ...]) -> Metric:
    metric = METRICS[name]
    _check(metric.kind in kinds)
    return metric


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value)


def _check(sound: bool) -> None:
    if not sound:
        raise ValueError


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """One snapshot out of several workers': counters and histograms are added, gauges as their kind says."""
    counters: dict[str, dict[Labels, float]] = {}
    gauges: dict[str, dict[Labels, float]] = {}
    histograms: dict[str, dict[str, Any]] = {}
    for snapshot in snapshots:
        for name, series in snapshot["counters"].items():
            _add(counters.setdefault(name, {}), series, Kind.COUNTER)
        for name, series in snapshot["gauges"].items():
            _add(gauges.setdefault(name, {}), series, METRICS[name].kind)
        for name, one in snapshot["histograms"].items():
            sofar = histograms.setdefault(name, {"counts": [0] * (len(BUCKETS) + 1), "sum": 0.0})
            sofar["counts"] = [a + b for a, b in zip(sofar["counts"], one["counts"], strict=True)]
            sofar["sum"] += one["sum"]
    return {
        "counters": {name: _pairs(series) for name, series in counters.items()},
        "gauges": {name: _pairs(series) for name, series in gauges.items()},
        "histograms": histograms,
    }


def _add(into: dict[Labels, float], series: Iterable[tuple[list[str], float]], kind: Kind) -> None:
    for labels, value in series:
        key = tuple(labels)
        if kind is Kind.MAX:
            into[key] = max(into.get(key, value), value)
        else:
            into[key] = into.get(key, 0) + value
