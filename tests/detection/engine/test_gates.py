from builders import condition

from revproxy.detection.engine.gates import Gates, Looks, keys_wanted
from revproxy.detection.rules import Target


def wanted(*targets):
    return keys_wanted(condition(targets, ("rx", "a")))


def test_keys_wanted():
    one, two = Target("headers", key=b"one"), Target("headers", key=b"Two")
    assert wanted(one, two) == ("headers", frozenset({b"one", b"two"}))
    assert wanted(one, Target("args", exclude=True)) == ("headers", frozenset({b"one"}))
    assert wanted(one, Target("headers")) is None
    assert wanted(one, Target("headers", pattern="x")) is None
    assert wanted(one, Target("headers", key=b"one", count=True)) is None
    assert wanted(one, Target("args", key=b"one")) is None
    assert wanted(Target("headers.names", key=b"one")) is None


def test_shut(monkeypatch):
    monkeypatch.setattr("revproxy.detection.engine.gates.SETS", 2)
    gates = Gates("headers", ((1, frozenset({b"host"})), (2, frozenset({b"te", b"via"}))))
    assert gates.shut([b"Host"]) == 2
    assert gates.shut([b"VIA", b"x"]) == 1
    assert gates.shut([]) == 3
    assert gates.shut([b"te", b"host"]) == 0
    assert len(gates._shut) <= 2


def test_looks(monkeypatch):
    monkeypatch.setattr("revproxy.detection.engine.gates.SETS", 2)
    rows = [
        (1, condition([Target("headers", key=b"Host"), Target("headers", key=b"te")], ("rx", "a"))),
        (2, condition([Target("headers", pattern="^x-"), Target("headers")], ("rx", "a"))),
        (4, condition([Target("headers", pattern="^X-"), Target("headers", key=b"te", exclude=True)], ("rx", "a"))),
        (8, condition([Target("args")], ("rx", "a"))),
    ]
    looks = Looks("headers", rows)
    assert looks.masks([b"host", b"X-a", b"te"], 3) == [3, 6, 3]
    assert looks.masks([], 2) == [7, 7]
    assert looks.masks([b"a"], 1) == looks.masks([b"b"], 1) == looks.masks([b"c"], 1) == [2]
    assert len(looks._known) <= 2
