import dataclasses
from enum import StrEnum
from types import UnionType
from typing import Union, get_args, get_origin

import pytest

from revproxy.config import schema, settings
from revproxy.config.reader import hints
from revproxy.model import limits

CLASSES = [
    one
    for module in (settings, limits)
    for one in vars(module).values()
    if dataclasses.is_dataclass(one) and one.__module__ == module.__name__
]
FIELDS = [(cls, field.name) for cls in CLASSES for field in dataclasses.fields(cls)]


def inner(hint):
    """The type of a value: without None, of a tuple its item's."""
    if get_origin(hint) in (Union, UnionType, tuple):
        return inner(get_args(hint)[0])
    return hint


@pytest.mark.parametrize(("cls", "name"), FIELDS)
def test_every_field_can_be_read(cls, name):
    kind = inner(hints(cls)[name])
    plain = kind in (int, float, bool, str) or dataclasses.is_dataclass(kind) or issubclass(kind, StrEnum)
    assert (cls, name) in schema.READERS or plain


@pytest.mark.parametrize("table", [schema.READERS, schema.RANGES])
def test_every_row_names_a_field(table):
    assert set(table) <= set(FIELDS)


@pytest.mark.parametrize(("cls", "name"), schema.RANGES)
def test_every_default_is_in_its_range(cls, name):
    (field,) = [f for f in dataclasses.fields(cls) if f.name == name]
    low, high = schema.RANGES[cls, name]
    assert low < high
    assert field.default is None or low <= field.default <= high


def test_words():
    read = schema.one_of("a", "b")
    assert read("a") == "a"
    with pytest.raises(ValueError, match="not one of a, b"):
        read("c")
