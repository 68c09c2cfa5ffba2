from revproxy.audit.metrics import Metrics
from revproxy.audit.prometheus import render


def test_counters_and_labels():
    metrics = Metrics()
    metrics.count("revproxy_requests_total", ("web", "2xx", "allow"))
    metrics.counter("revproxy_requests_total")[("web", "2xx", "allow")] += 2
    text = render(metrics.snapshot()).decode()
    assert 'revproxy_requests_total{code_class="2xx",listener="web",verdict="allow"} 3.0' in text
    assert "# HELP revproxy_requests_total HTTP requests answered." in text
    assert "# TYPE revproxy_requests_total counter" in text


def test_a_histogram_is_cumulative():
    metrics = Metrics()
    for seconds in (0.0001, 0.003, 0.004, 1000.0):
        metrics.observe("revproxy_request_seconds", seconds)
    text = render(metrics.snapshot()).decode()
    assert 'revproxy_request_seconds_bucket{le="0.0001"} 1.0' in text
    assert 'revproxy_request_seconds_bucket{le="0.005"} 3.0' in text
    assert 'revproxy_request_seconds_bucket{le="+Inf"} 4.0' in text
    assert "revproxy_request_seconds_count 4.0" in text


def test_a_number_counted_elsewhere():
    metrics = Metrics()
    metrics.set_count("revproxy_records_dropped_total", 7, ("access",))
    assert b'revproxy_records_dropped_total{kind="access"} 7.0' in render(metrics.snapshot())


def test_hostile_label_values_are_escaped():
    metrics = Metrics()
    metrics.count("revproxy_refused_total", ('a"\n\\',))
    assert rb'reason="a\"\n\\"' in render(metrics.snapshot())
