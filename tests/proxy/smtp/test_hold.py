"""A message's share of memory."""

from __future__ import annotations

from revproxy.net import Budget
from revproxy.proxy.smtp.hold import Hold


def test_share():
    memory = Budget("memory_bytes", 100)
    one, other = Hold(memory), Hold(memory)
    assert one.resize(60)
    assert not other.resize(50)
    assert one.resize(10)
    assert other.resize(50)
    assert memory.used == 60
    one.release()
    one.release()
    assert memory.used == 50
    other.release()
    assert memory.used == 0
