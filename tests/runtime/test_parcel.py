from __future__ import annotations

import os
import pickle

from revproxy.runtime.parcel import Parcel
from revproxy.runtime.unnamed import Stored


def test_pieces_are_beside_the_pickle(prepared):
    parcel = Parcel.of(prepared(name="two", rest="r", pieces={"a": b"hay" * 99, "b": b"straw"}))
    assert (parcel.ruleset_name, parcel.rest) == ("two", "r")
    assert b"hay" not in parcel.prepared
    assert pickle.loads(parcel.prepared).ruleset_name == "two"
    assert parcel.missing({"b", "c"}) == ("a",)
    assert list(parcel.frames(("b", "a"))) == [b"straw", b"hay" * 99]
    with parcel.stored() as number:
        stored = Stored(os.dup(number), parcel.sizes)
        assert dict(stored.popitem() for _ in parcel.sizes) == parcel.pieces


def test_what_is_known_is_held_once(prepared):
    old = Parcel.of(prepared(pieces={"a": b"hay", "b": b"straw"}))
    new = Parcel.of(prepared(pieces={"b": bytes(bytearray(b"straw")), "c": b"new"}), old.pieces)
    assert new.pieces == {"b": b"straw", "c": b"new"}
    assert new.pieces["b"] is old.pieces["b"]


def test_the_same_rules_of_other_pieces_are_another_parcel(prepared):
    parcel = Parcel.of(prepared(name="two", rest="r", pieces={"a": b"hay"}))
    assert parcel.holds(prepared(name="two", rest="r", pieces={"a": b"hay"}))
    for other in ({"name": "one"}, {"rest": "s"}, {"pieces": {"b": b"hay"}}, {"pieces": {}}):
        assert not parcel.holds(prepared(**{"name": "two", "rest": "r", "pieces": {"a": b"hay"}} | other))
