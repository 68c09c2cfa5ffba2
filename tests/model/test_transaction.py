"""Named values in the order of their coming."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.model import UNTOUCHED, Controls, Fields, Protocol, Transaction


def test_a_field_that_is_not_set() -> None:
    fields = Fields()
    assert (fields.values("args"), fields.keys("args"), fields.first("args"), fields.get("args")) == (
        (),
        (),
        b"",
        None,
    )
    assert "args" not in fields
    fields.drop("args")
    assert list(fields) == []


def test_put_replaces_and_add_appends() -> None:
    fields = Fields()
    fields.add("args", [b"1"], [b"a"])
    fields.add("args", [b"2", b"3"], [b"b", b"a"])
    assert fields.get("args") == ([b"a", b"b", b"a"], [b"1", b"2", b"3"])
    fields.put("args", [b"4"], [b"c"])
    assert (fields.keys("args"), fields.values("args"), fields.first("args")) == ([b"c"], [b"4"], b"4")
    fields.put("args", [])
    assert ("args" in fields, fields.first("args")) == (True, b"")
    fields.drop("args")
    assert "args" not in fields


def test_add_leaves_the_lists_of_others_alone() -> None:
    """`args` and `args.get` may be one list."""
    fields, values, keys = Fields(), [b"1"], [b"a"]
    fields.put("args", values, keys)
    fields.put("args.get", values, keys)
    fields.add("args", [b"2"], [b"b"])
    assert fields.get("args.get") == ([b"a"], [b"1"])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.tuples(st.binary(max_size=3), st.binary(max_size=3))))))
def test_keys_and_values_stay_side_by_side(steps: list[tuple[str, list[tuple[bytes, bytes]]]]) -> None:
    fields = Fields()
    expected: dict[str, list[tuple[bytes, bytes]]] = {}
    for name, pairs in steps:
        fields.add(name, [value for _, value in pairs], [key for key, _ in pairs])
        expected.setdefault(name, []).extend(pairs)
    assert list(fields) == list(expected)
    for name, pairs in expected.items():
        assert list(zip(fields.keys(name), fields.values(name), strict=True)) == pairs


def test_transactions_share_nothing() -> None:
    one, two = Transaction("a", Protocol.HTTP), Transaction("b", Protocol.SMTP)
    one.fields.put("args", [b"x"])
    one.scores.inbound = 5
    assert ("args" in two.fields, two.scores.inbound, two.findings) == (False, 0, [])


def test_several_are_set_at_once() -> None:
    fields = Fields()
    fields.put("a", [b"old"])
    fields.preset({"a": ((), (b"1",)), "b": ((b"k",), (b"2",))})
    assert (fields.first("a"), fields.get("b")) == (b"1", ((b"k",), (b"2",)))


def test_controls_are_shared_until_somebody_asks_for_something() -> None:
    assert Transaction("a", Protocol.HTTP).controls is Transaction("b", Protocol.SMTP).controls is UNTOUCHED
    with pytest.raises(AttributeError):
        UNTOUCHED.force_body = True  # type: ignore[misc]
    assert UNTOUCHED._replace(body_processor="JSON") == Controls("JSON")


def test_a_copy_of_a_table_is_one_of_its_own():
    fields = Fields()
    fields.put("args", [b"1"], [b"a"])
    copy = fields.copied()
    fields.put("args", [b"2"], [b"a"])
    fields.put("body", [b"x"])
    assert copy.get("args") == ([b"a"], [b"1"])
    assert list(copy) == ["args"]
