"""A snapshot of metrics in Prometheus' text format. For the supervisor alone: workers never import this."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from revproxy.audit.metrics import BUCKETS, METRICS, Snapshot


class _Collected(Collector):
    """A snapshot as prometheus_client wants to see it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Family]:
        for name, series in self._snapshot["counters"].items():
            counter = CounterMetricFamily(name, METRICS[name].help, labels=METRICS[name].labels)
            for labels, value in series:
                counter.add_metric(labels, value)
            yield counter
        for name, series in self._snapshot["gauges"].items():
            gauge = GaugeMetricFamily(name, METRICS[name].help, labels=METRICS[name].labels)
            for labels, value in series:
                gauge.add_metric(labels, value)
            yield gauge
        for name, one in self._snapshot["histograms"].items():
            histogram = HistogramMetricFamily(name, METRICS[name].help)
            histogram.add_metric([], _cumulative(one["counts"]), one["sum"])
            yield histogram


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets


def render(snapshot: Snapshot) -> bytes:
    """A snapshot in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(snapshot))
    return generate_latest(registry)
