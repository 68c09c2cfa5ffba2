from __future__ import annotations

from revproxy.app.order import Order


def test_a_set_that_needs_more():
    said = Order("revproxy.yaml", "ours", "signatures", "set", 4096, 1).out_of_memory
    assert said == "it needs more memory than limits.supply.trial_memory_bytes (4096 bytes)"
