"""Only the classes of a rule set are read back."""

from __future__ import annotations

import dataclasses
import enum
import os
import pickle
import typing
from collections.abc import Callable
from pathlib import Path

import pytest

from revproxy.app.excluded import Excluded
from revproxy.app.inputs import Witness
from revproxy.app.rules import link_all, read_all
from revproxy.app.unpickle import KNOWN, read_back
from revproxy.config import Exclusion, Route, Settings, nowhere
from revproxy.detection.link import RuleSet, link, unheard
from revproxy.detection.rules import Exclusion as Left
from revproxy.proxy.http import Placed


def test_a_rule_set_is_read_back(settings: Callable[..., Settings]) -> None:
    made = settings(routes=(Route("all", "inside", exclusions=(Exclusion(("one",), path="/a"),)),))
    linked = link_all(read_all(made, nowhere, Witness()), made.cache, unheard)
    assert linked.excluded.routes["all"]
    found = read_back(pickle.dumps((linked.rules, linked.excluded)))
    assert found is not None
    assert found[0] == linked.rules
    assert found[1].text() == linked.excluded.text()


NAMES = {"Placed": Placed, "Exclusion": Left}
"""What is imported for its name alone where it is written."""


def parts(kind: object, seen: set[type]) -> set[type]:
    """The classes of ours that a value of this type may have in it."""
    for inner in typing.get_args(kind):
        parts(inner, seen)
    if isinstance(kind, type) and kind not in seen and not typing.get_origin(kind):
        if issubclass(kind, enum.Enum):
            seen.add(kind)
        elif dataclasses.is_dataclass(kind):
            seen.add(kind)
            for inner in typing.get_type_hints(kind, localns=NAMES).values():
                parts(inner, seen)
    return seen


def test_every_class_that_a_rule_set_may_have_in_it_is_known() -> None:
    found = parts(RuleSet, set()) | parts(Excluded, set())
    assert {(one.__module__, one.__qualname__) for one in found} == KNOWN


class Bad:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_nothing_is_called(tmp_path: Path) -> None:
    bad = pickle.dumps(Bad(tmp_path / "made"))
    assert read_back(bad) is None
    assert not (tmp_path / "made").exists()
    pickle.loads(bad)
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        pickle.dumps(1),
        pickle.dumps((1, 2)),
        pickle.dumps((link([]), 2)),
        pickle.dumps((2, Excluded())),
        pickle.dumps(link([])),
        pickle.dumps({"a": 1}),
        pickle.dumps((link([]), Excluded()))[:-20],
        pickle.dumps((link([]), Excluded())).replace(b"RuleSet", b"RuleSat"),
        b"\x80\x04Px\n.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04(l0.",
        b"\x80\x04\x8c\x07builtins\x8c\x04eval\x93.",
        b"\x80\x04\x8c\x18revproxy.detection.rules\x8c\x04Rule\x93)\x81.",
    ],
)
def test_what_is_no_rule_set_is_none(data: bytes) -> None:
    assert read_back(data) is None
