import pytest
from builders import transaction

from revproxy.detection.engine.reading import Selector, Text, key_test, names_of, read
from revproxy.detection.engine.state import Accepted, Lost, Scene, State
from revproxy.detection.rules import Reference, Target

TX = transaction(args={b"Name": b"Evil", b"other": b"good"}, headers={b"host": b"example"}, path=[b"/p"])


def scene(**variables):
    return Scene(b"id1", TX.fields, State({k.encode(): v.encode() for k, v in variables.items()}))


def test_names_of():
    assert names_of("args.names") == "args"
    assert names_of("archive.names") is None
    assert names_of("path") is None
    assert read(TX.fields, "cookies") == ((), ())


BEFORE = [Accepted("args.plain", b"Name", b"evil", None), Accepted("path.decoded", b"", b"/p", None)]
PSEUDO = [
    (Target("tx", key=b"SCORE"), [(b"score", b"5")]),
    (Target("tx", pattern="^s"), [(b"score", b"5"), (b"seen", b"1")]),
    (Target("tx", count=True), [(b"", b"2")]),
    (Target("tx", key=b"score", count=True), [(b"score", b"1")]),
    (Target("tx.names"), [(b"score", b"score"), (b"seen", b"seen")]),
    (Target("matched"), [(b"Name", b"evil"), (b"", b"/p")]),
    (Target("matched.names"), [(b"", b"ARGS:Name"), (b"", b"REQUEST_FILENAME")]),
    (Target("matched.one"), [(b"", b"/p")]),
    (Target("matched.name"), [(b"", b"REQUEST_FILENAME")]),
    (Target("id"), [(b"", b"id1")]),
]


@pytest.mark.parametrize(("target", "want"), PSEUDO, ids=[str(t) for t, _ in PSEUDO])
def test_pseudo_fields(target, want):
    at = scene(score="5", seen="1")
    at.state.last = BEFORE[-1]
    keys, values = Selector(target, ()).selected(at, BEFORE)
    assert [(k.lower() if target.key else k, v) for k, v in zip(keys, values, strict=True)] == want


def test_without():
    selected = Selector(Target("args"), ()).selected(
        scene(), (), [Lost("args", key_test(Target("args", key=b"name"))), Lost("path", None)]
    )
    assert selected == ([b"other"], [b"good"])
    assert Selector(Target("args"), ()).selected(scene(), (), [Lost("args", None)]) == ((), ())


def test_expand():
    template = (b"a-", Reference("tx", b"x"), b"-", Reference("headers", b"host"), Reference("args", b"none"))
    assert Text(template).filled(scene(x="1")) == b"a-1-example"
    assert Text((Reference("path"), Reference("cookies"), Reference("id"))).filled(scene()) == b"/pid1"
