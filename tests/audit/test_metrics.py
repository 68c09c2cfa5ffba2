import json

import pytest

from revproxy.audit.metrics import BUCKETS, METRICS, Kind, Metrics, merge


def test_snapshots_are_plain_and_merge():
    one, two = Metrics(), Metrics()
    for metrics, value in ((one, 1.0), (two, 3.0)):
        metrics.count("revproxy_findings_total", ("942100",), 2)
        metrics.gauge("revproxy_memory_bytes", value)
        metrics.gauge("revproxy_loop_lag_seconds", value)
        metrics.observe("revproxy_inspection_seconds", 0.01)
    merged = merge([json.loads(json.dumps(m.snapshot())) for m in (one, two)])
    assert merged["counters"]["revproxy_findings_total"] == [[["942100"], 4]]
    assert merged["gauges"]["revproxy_memory_bytes"] == [[[], 4.0]]
    assert merged["gauges"]["revproxy_loop_lag_seconds"] == [[[], 3.0]]
    assert sum(merged["histograms"]["revproxy_inspection_seconds"]["counts"]) == 2
    assert merge([merged]) == merged
    assert merge([])["counters"] == {}


def test_a_snapshot_is_a_copy():
    metrics = Metrics()
    before = metrics.snapshot()
    metrics.observe("revproxy_request_seconds", 1.0)
    assert sum(before["histograms"]["revproxy_request_seconds"]["counts"]) == 0


@pytest.mark.parametrize("call", [lambda m: m.count("x"), lambda m: m.gauge("x", 1), lambda m: m.observe("x", 1)])
def test_an_unknown_name_is_a_bug(call):
    with pytest.raises(KeyError):
        call(Metrics())


@pytest.mark.parametrize(("name", "metric"), METRICS.items())
def test_the_table(name, metric):
    assert name.startswith("revproxy_")
    assert metric.help.endswith(".")
    assert name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.kind is not Kind.HISTOGRAM or not metric.labels


def test_buckets_rise():
    assert list(BUCKETS) == sorted(set(BUCKETS))
