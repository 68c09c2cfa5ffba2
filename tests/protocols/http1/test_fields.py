"""Names: checked once, bounded memory, no aliases of fields that decide something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.codecs.marks import changing
from revproxy.protocols.http1.fields import CONTROLS, LEARN_MOST, TOKEN, FieldLines, field_names


@given(st.binary(max_size=80))
def test_a_name_is_a_token_in_lower_case_or_refused(name: bytes) -> None:
    names = field_names()
    is_token = bool(name) and all(byte in TOKEN for byte in name)
    for _ in range(2):
        try:
            lower = names[name]
        except ValueError as error:
            lower = str(error).encode()
        assert lower == (name.lower() if is_token else b"field-name") or (is_token and lower == b"forged-name")


@pytest.mark.parametrize(
    "name", [b"content_length", b"Transfer__Encoding", b"X-Forwarded_For", b"_content_type_", b"X--Real-IP"]
)
def test_aliases_of_deciding_fields_are_refused(name: bytes) -> None:
    with pytest.raises(ValueError, match="forged-name"):
        field_names()[name]


def test_invented_names_cost_no_memory_beyond_a_bound() -> None:
    names = field_names()
    for number in range(5000):
        assert names[b"X-%d" % number] == b"x-%d" % number
    assert names[b"X" * 1000] == b"x" * 1000
    assert len(names) <= 2048
    assert max(map(len, names)) <= 64


@given(st.binary(max_size=40), st.frozensets(st.integers(0, 255)))
def test_a_table_changes_the_bytes_that_it_was_made_of_and_no_other(value: bytes, some: frozenset[int]) -> None:
    assert (value.translate(changing(some)) != value) is any(byte in some for byte in value)


def test_controls_are_all_but_tab() -> None:
    assert [byte for byte in range(256) if CONTROLS[byte] != byte] == [*range(9), *range(10, 32), 127]


@pytest.mark.parametrize(
    ("line", "lower", "value"),
    [
        (b"A: b", b"a", b"b"),
        (b"A:b", b"a", b"b"),
        (b"A: \tb c \t", b"a", b"b c"),
        (b"A:b ", b"a", b"b"),
        (b"A:\tb", b"a", b"b"),
        (b"A:", b"a", b""),
        (b"A: ", b"a", b""),
        (b"A:  ", b"a", b""),
        (b"A: b:c", b"a", b"b:c"),
        (b"Cookie: a=\xe9", b"cookie", b"a=\xe9"),
    ],
)
def test_a_line_taken_apart(line: bytes, lower: bytes, value: bytes) -> None:
    lines = FieldLines(field_names())
    for _ in range(2):
        parsed = lines.of(line)
        assert (parsed.lower, parsed.value) == (lower, value)
        assert parsed.name == line.partition(b":")[0]
        assert parsed.written == parsed.name + b": " + value + b"\r\n"


@pytest.mark.parametrize(
    "line", [b"", b"A", b": b", b"A : b", b"A: b\0", b"A: b\rc", b"A: b\nc", b"A: \x7f", b"A\t: b"]
)
def test_what_is_no_line(line: bytes) -> None:
    lines = FieldLines(field_names())
    for _ in range(2):
        with pytest.raises(ValueError):
            lines.of(line)


def test_lines_that_nobody_else_sends_cost_no_memory_beyond_a_bound() -> None:
    lines = FieldLines(field_names())
    for number in range(LEARN_MOST + 10):
        lines.of(b"A: %d" % number)
    lines.of(b"A: " + b"b" * 1000)
    lines.of(b"Cookie: a=b")
    known = lines._known
    assert len(known) == 10
    assert b"A: %d" % (LEARN_MOST + 1) in known
