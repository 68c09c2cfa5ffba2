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

from revproxy.app.inputs import Witness
from revproxy.app.rules import link_rules
from revproxy.app.unpickle import _KNOWN, read_ruleset
from revproxy.config import Settings, nowhere
from revproxy.detection.link import RuleSet, link


def test_a_rule_set_is_read_back(settings: Callable[[], Settings]) -> None:
    made = link_rules(settings(), nowhere, Witness()).rules
    assert read_ruleset(pickle.dumps(made)) == made


def parts(kind: object, seen: set[type]) -> set[type]:
    """The classes of ours that a value of this type may have in it."""
    for inner in typing.get_args(kind):
        parts(inner, seen)
    if isinstance(kind, type) and kind not in seen and not typing.get_origin(kind):
        if issubclass(kind, enum.Enum):
            seen.add(kind)
        elif dataclasses.is_dataclass(kind):
            seen.add(kind)
            for inner in typing.get_type_hints(kind).values():
                parts(inner, seen)
    return seen


def test_every_class_that_a_rule_set_may_have_in_it_is_known() -> None:
    assert parts(RuleSet, set()) == set(_KNOWN.values())


class Bad:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_nothing_is_called(tmp_path: Path) -> None:
    bad = pickle.dumps(Bad(tmp_path / "made"))
    assert read_ruleset(bad) is None
    assert not (tmp_path / "made").exists()
    pickle.loads(bad)
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        pickle.dumps(1),
        pickle.dumps({"a": 1}),
        pickle.dumps(link([]))[:-20],
        pickle.dumps(link([])).replace(b"RuleSet", b"RuleSat"),
        b"\x80\x04Px\n.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04(l0.",
        b"\x80\x04\x8c\x07builtins\x8c\x04eval\x93.",
        b"\x80\x04\x8c\x18revproxy.detection.rules\x8c\x04Rule\x93)\x81.",
    ],
)
def test_what_is_no_rule_set_is_none(data: bytes) -> None:
    assert read_ruleset(data) is None
