from __future__ import annotations

import pickle

from revproxy.runtime.parcel import Parcel


def test_pieces_are_beside_the_pickle(prepared):
    parcel = Parcel.of(prepared(name="two", rest="r", pieces={"a": b"hay" * 99, "b": b"straw"}))
    assert (parcel.ruleset_name, parcel.rest) == ("two", "r")
    assert b"hay" not in parcel.prepared
    assert pickle.loads(parcel.prepared).ruleset_name == "two"
    assert parcel.missing({"b", "c"}) == ("a",)
    assert list(parcel.frames(("b", "a"))) == [b"straw", b"hay" * 99]
