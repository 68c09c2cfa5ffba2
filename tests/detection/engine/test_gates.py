from builders import condition

from revproxy.detection.engine.gates import Gates, Looks, keys_wanted
from revproxy.detection.rules import Target


def wanted(*targets):
    """The field, and which of some keys would do."""
    found = keys_wanted(condition(targets, ("rx", "a")))
    return found and (found[0], [key for key in (b"one", b"TWO", b"x-a") if found[1](key)])


def test_keys_wanted():
    one, two = Target("headers", key=b"one"), Target("headers", key=b"Two")
    assert wanted(one, two) == ("headers", [b"one", b"TWO"])
    assert wanted(one, Target("args", exclude=True)) == ("headers", [b"one"])
    assert wanted(one, Target("headers", pattern="^X")) == ("headers", [b"one", b"x-a"])
    assert wanted(one, Target("headers")) is None
    assert wanted(one, Target("headers", key=b"one", count=True)) is None
    assert wanted(one, Target("args", key=b"one")) is None
    assert wanted(Target("headers.names", key=b"one")) is None


def test_shut(monkeypatch):
    monkeypatch.setattr("revproxy.detection.engine.gates.SETS", 2)
    monkeypatch.setattr("revproxy.detection.engine.gates.MOST_KEYS", 3)
    gates = Gates("headers", ((1, {b"host"}.__contains__), (2, {b"te", b"via"}.__contains__)))
    assert gates.shut([b"host"]) == 2
    assert gates.shut([b"via", b"x"]) == 1
    assert gates.shut([]) == 3
    assert gates.shut([b"te", b"host"]) == 0
    assert gates.shut([b"a", b"b", b"c", b"d"]) == 0
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
