"""JSON bodies."""

from __future__ import annotations

import ast
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.jsontext import JsonReader, read_leniently
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

DATA = Path(__file__).parents[1] / "data/content"
JSON = b"application/json"


def table(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def literal(text: str) -> bytes:
    value = eval(text, {"__builtins__": {}})
    assert isinstance(value, bytes)
    return value


@pytest.mark.parametrize(("text", "expected"), table("json-taken.tsv"))
def test_values_are_arguments(read, text: str, expected: str) -> None:
    assert read(JSON, text.encode()).arguments == ast.literal_eval(expected)


@pytest.mark.parametrize(("reason", "body"), table("json-refused.tsv"))
def test_what_is_not_strict_json_is_refused(read, reason: str, body: str) -> None:
    with pytest.raises(ContentError) as caught:
        read(JSON, literal(body))
    assert caught.value.reason == reason


@pytest.mark.parametrize("text", ["[" * 3 + "]" * 3, '{"a":{"b":{}}}', '"[[[[["', '["\\"[[[[", "[[["]'])
def test_depth_within_the_limit(read, text: str) -> None:
    read(JSON, text.encode(), ContentLimits(json_depth=3))


@pytest.mark.parametrize("body", [b"[" * 4, b'[["",[{}]]]', b'{"a":' * 19_000, b"[" * 20_000])
def test_depth_over_the_limit_is_refused_before_parsing(read, body: bytes) -> None:
    with pytest.raises(LimitError, match="json_depth"):
        read(JSON, body, ContentLimits(json_depth=3))


def test_a_limit_beyond_what_the_parser_can_do_is_still_a_limit(read) -> None:
    with pytest.raises(LimitError, match="json_depth"):
        read(JSON, b"[" * 200_000 + b"]" * 200_000, ContentLimits(json_depth=10**6))


@pytest.mark.parametrize("text", ["[1,2,3]", '{"a":"x","b":"[1,2]"}', '{"a":[{}],"b":[1,[2,3]]}'])
def test_arguments_are_counted(read, text: str) -> None:
    with pytest.raises(LimitError, match="arguments"):
        read(JSON, text.encode(), ContentLimits(arguments=2))


def test_a_long_value_is_refused(read) -> None:
    for text in (b'"aaaa"', b"12345"):
        with pytest.raises(LimitError, match="argument_bytes"):
            read(JSON, text, ContentLimits(argument_bytes=3))


def test_long_paths_are_told_once_and_cut(read) -> None:
    key = "k" * 3000
    got = read(JSON, json.dumps({key: {"a": 1, "b": 2}}).encode()).arguments
    assert got[0] == (b"json." + key.encode(), b"")
    assert [v for _, v in got[1:] if v] == [b"1", b"2"]
    deep: object = "x"
    for _ in range(100):
        deep = {"k" * 500: deep}
    names = [n for n, _ in read(JSON, json.dumps({"a": [deep] * 20}).encode()).arguments]
    assert max(map(len, names)) < 1100


def test_json_lines(read) -> None:
    body = b'{"a":1}\n\r\n{"a":2}\r\n[3]'
    names = [(b"json.0.a", b"1"), (b"json.2.a", b"2"), (b"json.3.0", b"3")]
    for kind in (b"application/x-ndjson", b"application/jsonl"):
        assert read(kind, body).arguments == names
    with pytest.raises(ContentError, match="json_syntax"):
        read(b"application/x-ndjson", b"{}\n{")
    with pytest.raises(LimitError, match="arguments"):
        read(b"application/x-ndjson", b"\n" * 11, ContentLimits(arguments=10))


def test_lenient_reading_says_nothing_of_errors(recorder) -> None:
    for body in (b"{", b"\xff", b"[[[["):
        sink = recorder()
        read_leniently(body, ContentLimits(), sink)
        assert sink.told == []
    sink = recorder()
    read_leniently(b'{"a":1,"a":2}', ContentLimits(), sink)
    assert sink.arguments == [(b"json.a", b"1"), (b"json.a", b"2")]


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "reason", "told"),
    [
        (
            b'{"a":1,"b":{"c":2,"c":3}}',
            "json_duplicate_key",
            [(b"json.a", b"1"), (b"json.b.c", b"2"), (b"json.b.c", b"3")],
        ),
        (b'["\\ud83d","x"]', "json_surrogate", [(b"json.0", b"\xed\xa0\xbd"), (b"json.1", b"x")]),
        (b'{"\\ud83d":1}', "json_surrogate", [(b"json.\xed\xa0\xbd", b"1")]),
    ],
)
def test_what_is_ambiguous_is_told_before_it_is_refused(
    recorder, body: bytes, reason: str, told: list[tuple[bytes, bytes]]
) -> None:
    sink = recorder()
    with pytest.raises(ContentError, match=reason):
        JsonReader(ContentLimits(), sink).read(body)
    assert sink.arguments == told


def test_json_within_strings_is_derived_where_somebody_wants_it(recorder) -> None:
    sink = recorder()
    JsonReader(ContentLimits(), sink).read(b'{"a":"{\\"b\\":1,\\"b\\":2}","c":3}')
    assert sink.of("derived") == [(b"json.a.json.b", b"1"), (b"json.a.json.b", b"2")]
    assert [name for name, _ in sink.of("argument")] == [b"json.a", b"json.c"]
    sink = recorder()
    sink.derives = False
    JsonReader(ContentLimits(), sink).read(b'{"a":"[1]"}')
    assert sink.of("derived") == []


def leaves(value: object) -> list[bytes]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    if isinstance(value, str):
        return [value.encode()]
    return [json.dumps(value).encode() if value is not None else b""]


@given(value=VALUES, cuts=st.lists(st.integers(0, 400), max_size=3))
def test_every_leaf_is_told(read, value: object, cuts: list[int]) -> None:
    try:
        text = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    got = [v for n, v in read(JSON, text, None, cuts).arguments if b".json" not in n]
    assert got == leaves(value)


@given(body=st.one_of(st.binary(max_size=60), st.text('{}[]",:\\u0d8e1 \n', max_size=60).map(str.encode)))
def test_parses_or_refuses(read, body: bytes) -> None:
    limits = ContentLimits(json_depth=5, arguments=20)
    for kind in (JSON, b"application/x-ndjson"):
        try:
            read(kind, body, limits)
        except (ContentError, LimitError):
            continue
        if kind == JSON and body:
            json.loads(body.decode())


@pytest.mark.parametrize(
    "unit", [b"[", b'"\\', b'"\\"', b"{", b'"', b"[]", b'"[]",', b'{"a":', b"\\", b'"{}",', b"1", b"[{", b"\xc3\xa9"]
)
def test_two_megabytes_of_anything_take_no_time(read, unit: bytes) -> None:
    for start in (b"", b"[", b'["'):
        body = start + unit * (2_000_000 // len(unit))
        before = time.process_time()
        try:
            read(JSON, body)
        except (ContentError, LimitError):
            pass
        assert time.process_time() - before < 1.0


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * 699_000 + b"[]]",
        b"[" * 200 + b'"' * 1_900_000,
        b"[" + b"1," * 1_000_000 + b"1]",
        b'{"a":' * 100_000,
        b"[" * 2_000_000,
    ],
)
def test_too_many_elements_are_refused_before_parsing(read, body: bytes) -> None:
    before = time.process_time()
    with pytest.raises(LimitError, match="arguments"):
        read(b"application/json", body)
    assert time.process_time() - before < 0.1


def test_brackets_and_commas_in_strings_are_no_elements(read) -> None:
    text = b'\\"[,]{,}\\\\' * 10
    assert len(read(b"application/json", b'["' + text + b'"]', ContentLimits(arguments=2)).arguments) == 1
