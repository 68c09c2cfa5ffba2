import json

import pytest

from revproxy.audit.metrics import BUCKETS, METRICS, Kind, Metrics, checked, merge


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


def test_what_a_worker_says_is_checked():
    metrics = Metrics()
    metrics.count("revproxy_findings_total", ("942100",), 2)
    metrics.gauge("revproxy_memory_bytes", 1.5)
    metrics.observe("revproxy_inspection_seconds", 0.01)
    told = json.loads(json.dumps(metrics.snapshot()))
    assert checked(told) == told


COUNTER, HISTOGRAM = "revproxy_findings_total", "revproxy_inspection_seconds"


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {"counters": {}, "gauges": {}},
        {"counters": [], "gauges": {}, "histograms": {}},
        {"counters": {"x": []}, "gauges": {}, "histograms": {}},
        {"counters": {HISTOGRAM: []}, "gauges": {}, "histograms": {}},
        {"counters": {}, "gauges": {COUNTER: []}, "histograms": {}},
        {"counters": {COUNTER: [[[], 1]]}, "gauges": {}, "histograms": {}},
        {"counters": {COUNTER: [[[1], 1]]}, "gauges": {}, "histograms": {}},
        {"counters": {COUNTER: [[["1"], "1"]]}, "gauges": {}, "histograms": {}},
        {"counters": {COUNTER: [[["1"], float("nan")]]}, "gauges": {}, "histograms": {}},
        {"counters": {COUNTER: [[["1"], 10**400]]}, "gauges": {}, "histograms": {}},
        {"counters": {COUNTER: [[["1"]]]}, "gauges": {}, "histograms": {}},
        {"counters": {COUNTER: 1}, "gauges": {}, "histograms": {}},
        {"counters": {}, "gauges": {}, "histograms": {HISTOGRAM: {"counts": [1], "sum": 1}}},
        {"counters": {}, "gauges": {}, "histograms": {HISTOGRAM: {"counts": [None] * 18, "sum": 1}}},
        {"counters": {}, "gauges": {}, "histograms": {HISTOGRAM: {"sum": 1}}},
    ],
)
def test_what_could_not_be_added_up_is_refused(told):
    with pytest.raises(ValueError, match="no numbers"):
        checked(told)


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
