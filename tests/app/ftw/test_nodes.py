"""Single values of a YAML file."""

from __future__ import annotations

import pytest
import yaml

from revproxy.app.ftw.nodes import YamlFile, boolean, encoded, is_null, number, octets, pattern, several, text


def node(source: str):
    return yaml.compose(source)


def test_values_stay_as_they_are_written():
    assert text(node("0300")) == "0300"
    assert text(node('"a\\r\\nb"')) == "a\r\nb"
    assert octets(node('"\\x80"')) == b"\xc2\x80"
    assert encoded(node('"YW Jj\\n"')) == b"abc"
    assert [boolean(node(word)) for word in ("true", "False", "yes", "off")] == [True, False, True, False]
    assert several(number)(node("[1, 2]")) == (1, 2)
    assert several(number, single=True)(node("3")) == (3,)
    assert is_null(node("~"))
    assert not is_null(node('"null"'))


@pytest.mark.parametrize(
    ("read", "source"),
    [
        (text, "[a]"),
        (number, "-1"),
        (number, "٣"),
        (boolean, "2"),
        (encoded, "a"),
        (several(text), "a"),
        (pattern, "("),
    ],
)
def test_what_is_wrong_is_a_value_error(read, source):
    with pytest.raises(ValueError):
        read(node(source))


def test_a_pattern_is_linear_and_sees_bytes():
    found = pattern(node("'^(a+)+$'"))
    assert not found.search(b"a" * 50_000 + b"!")
    assert pattern(node("'.\\xff'")).search(b"\x00\xff")


def test_an_error_shows_its_line():
    file = YamlFile("a.yaml", "a: 1\nb: 2\n")
    file.read(file.root, {"a": text})
    assert str(file.errors[0]).splitlines() == [
        "a.yaml:2:1: unknown word 'b'",
        "  b: 2",
        "  ^",
        "  hint: known are: a",
    ]
    assert YamlFile("a.yaml", "a: 1").read(node("{c: 1}"), {"a": text}, lenient=True) == {}


def test_deep_nesting_is_an_error():
    assert YamlFile("a.yaml", "[" * 100_000).errors
    assert YamlFile("a.yaml", "a: \x01").errors
