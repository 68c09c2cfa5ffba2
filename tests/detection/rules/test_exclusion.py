import pytest

from revproxy.detection.rules import FIELDS, Exclusion, Target, alike
from revproxy.detection.rules.exclusion import _ALIKE


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        (Target("args", b"q"), ["args", "args.plain", "args.get", "args.post"]),
        (Target("args.names"), ["args.names", "args.plain.names", "args.get.names", "args.post.names"]),
        (Target("args.get", b"q"), ["args.get"]),
        (Target("cookies", pattern="^s"), ["cookies", "cookies.plain"]),
        (Target("headers", b"referer"), ["headers"]),
    ],
)
def test_fields_with_the_same_values(target, fields):
    found = alike(target)
    assert [t.field for t in found] == fields
    assert {(t.key, t.pattern) for t in found} == {(target.key, target.pattern)}


def test_they_are_fields_with_keys_or_without():
    for field, others in _ALIKE.items():
        assert {FIELDS[other].keyed for other in others} == {FIELDS[field].keyed}


def test_each_is_one_of_its_own():
    assert Exclusion(frozenset("1")) != Exclusion(frozenset("1"))
