"""multipart/form-data bodies."""

from __future__ import annotations

import time
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.body import open_body
from revproxy.content.multipart import REASONS
from revproxy.content.parthead import REASONS as HEAD_REASONS
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

TYPE = b"multipart/form-data; boundary=bb"


def field(name: bytes, value: bytes, extra: bytes = b"") -> bytes:
    return b'--bb\r\nContent-Disposition: form-data; name="' + name + b'"' + extra + b"\r\n\r\n" + value + b"\r\n"


def upload(name: bytes, filename: bytes, value: bytes) -> bytes:
    return field(name, value, b'; filename="' + filename + b'"\r\nContent-Type: Image/PNG')


END = b"--bb--\r\n"


def test_fields_and_files_are_told(read) -> None:
    got = read(TYPE, field(b"a", b"1") + upload(b"f", b"x.png", b"\x89PNG\r\n--b\r\n") + field(b"b", b"") + END)
    assert got.told == [
        ("part", b"a", None),
        ("part_header", b"a", b'Content-Disposition: form-data; name="a"'),
        ("argument", b"a", b"1"),
        ("part", b"f", b"x.png"),
        ("part_header", b"f", b'Content-Disposition: form-data; name="f"; filename="x.png"'),
        ("part_header", b"f", b"Content-Type: Image/PNG"),
        ("file", b"f", b"x.png", b"image/png"),
        ("window", b"x.png", b"\x89PNG\r\n--b\r\n"),
        ("file_size", b"f", 11),
        ("part", b"b", None),
        ("part_header", b"b", b'Content-Disposition: form-data; name="b"'),
        ("argument", b"b", b""),
    ]


def test_repeated_names_are_told_joined_at_the_end(read) -> None:
    got = read(TYPE, field(b"a", b"1") + field(b"b", b"0") + field(b"a", b"2") + END)
    assert got.of("argument") == [(b"a", b"1"), (b"b", b"0"), (b"a", b"2")]
    assert got.of("derived") == [(b"a", b"1,2")]


def test_an_empty_form_and_an_epilogue_of_nothing(read) -> None:
    assert read(TYPE, b"--bb--").told == read(TYPE, b"--bb--\r\n").told == []


def test_a_json_part_is_taken_apart_too(read) -> None:
    got = read(TYPE, field(b"a", b'{"x":1}', b"\r\nContent-Type: application/json") + END)
    assert got.arguments == [(b"a", b'{"x":1}'), (b"json.x", b"1")]


def test_json_in_a_field_of_no_type_is_taken_apart_too(read) -> None:
    assert read(TYPE, field(b"a", b'{"x":"\\u0041"}') + END).arguments[1:] == [(b"json.x", b"A")]
    big = b'{"x":"' + b"y" * 20_000 + b'"}'
    got = read(TYPE, field(b"a", big) + field(b"b", b"1") + END).arguments
    assert [name for name, _ in got] == [b"a", b"b", b"json.x"]
    with pytest.raises(LimitError, match="arguments"):
        read(TYPE, field(b"a", b"[" + b"[]," * 9 + b"[]]") * 10 + END, ContentLimits(arguments=20))


def test_a_file_with_an_empty_name_is_a_field_too(read) -> None:
    got = read(TYPE, upload(b"a", b"", b"1") + END)
    assert got.of("file") == [(b"a", b"", b"image/png")]
    assert got.arguments == [(b"a", b"1")]
    assert got.of("window") == [(b"", b"1")]


@given(cuts=st.lists(st.integers(0, 600), max_size=4))
@pytest.mark.parametrize(
    ("body", "rest"),
    [
        (b"x" + field(b"a", b"1") + END, b"x" + field(b"a", b"1") + END),
        (field(b"a", b"secret"), b"secret\r\n"),
        (field(b"a", b"1") + END + b"after", b"after"),
        (field(b"a", b"1\n--bb\r\nx") + END, b"1\n--bb\r\nx"),
        (field(b"a", b"1") + field(b"b", b"2", b"\x00") + END, b'name="b"\x00'),
        (upload(b"f", b"", b"secret"), b"secret"),
    ],
)
def test_what_was_not_told_is_handed_over(recorder, body: bytes, rest: bytes, cuts: list[int]) -> None:
    reader = open_body(TYPE, ContentLimits(), recorder())
    edges = sorted({0, len(body), *(cut % len(body) for cut in cuts)})
    fed = 0
    with pytest.raises(ContentError):
        for start, end in pairwise(edges):
            fed = end
            reader.feed(body[start:end])
        reader.finish()
    assert rest in reader.unread() + body[fed:]
    assert reader.unread() == b""


def test_the_windows_of_a_file_are_finished_when_the_form_breaks(recorder) -> None:
    sink = recorder()
    reader = open_body(TYPE, ContentLimits(), sink)
    reader.feed(upload(b"f", b"n", b"content, long enough"))
    with pytest.raises(ContentError):
        reader.finish()
    rest = reader.unread()
    assert sink.of("window")[0][1] + rest == b"content, long enough\r\n"


def test_content_may_hold_what_only_resembles_a_delimiter(read) -> None:
    value = b"a--bb\r\n-bb\r\n --bb\r\n--b\r\r\n\n"
    assert read(TYPE, field(b"a", value) + END).arguments == [(b"a", value)]


def test_what_others_read_is_told_besides(read) -> None:
    typed = b"\r\nContent-Type: text/plain; charset=utf-7\r\nContent-Transfer-Encoding: base64"
    got = read(TYPE, field(b"a", b"K0FEdy0=", typed) + field(b"b", b"2") + END)
    assert got.of("flaw") == [("multipart_transfer_encoding",), ("charset",)]
    assert got.of("argument") == [(b"a", b"K0FEdy0="), (b"b", b"2")]
    assert got.of("derived") == [(b"a", b"+ADw-"), (b"a", b"<")]


def test_a_form_that_names_its_charset_is_told_in_it_at_the_end(read) -> None:
    got = read(TYPE, field(b"a", b"+ADw-") + field(b"_charset_", b"UTF-7") + field(b"b", b"2") + END)
    assert got.of("flaw") == [("charset",)]
    assert got.of("argument") == [(b"a", b"+ADw-"), (b"_charset_", b"UTF-7"), (b"b", b"2")]
    assert got.of("derived") == [(b"a", b"<")]
    assert read(TYPE, field(b"_charset_", b"utf-8") + END).of("flaw") == []


def test_names_that_readers_end_at_different_places(read) -> None:
    got = read(TYPE, upload(b"f", b'a.txt\\".php', b"x") + field(b'b\\"c', b"1") + END)
    assert got.of("part") == [
        (b"f", b'a.txt".php'),
        (b"f", b'a.txt\\".php'),
        (b"f", b"a.txt\\"),
        (b'b"c', None),
    ]
    assert [name for _, name, _ in got.of("file")] == [b'a.txt".php', b'a.txt\\".php', b"a.txt\\"]
    assert got.of("argument") == [(b'b"c', b"1")]
    assert got.of("derived") == [(b'b\\"c', b"1"), (b"b\\", b"1")]


REFUSED = [
    (b"x" + field(b"a", b"1") + END, "multipart_preamble"),
    (b"\r\n" + field(b"a", b"1") + END, "multipart_preamble"),
    (b"--b", "multipart_unfinished"),
    (b"--bX", "multipart_preamble"),
    (b"--bb", "multipart_unfinished"),
    (b"--bb\r\n", "multipart_unfinished"),
    (field(b"a", b"1"), "multipart_unfinished"),
    (field(b"a", b"1") + b"--bb", "multipart_unfinished"),
    (field(b"a", b"1") + b"--bb-", "multipart_unfinished"),
    (field(b"a", b"1") + b"--bb--x", "multipart_epilogue"),
    (field(b"a", b"1") + b"--bb--\r", "multipart_epilogue"),
    (field(b"a", b"1") + b"--bb--\n", "multipart_epilogue"),
    (field(b"a", b"1") + END + b"x", "multipart_epilogue"),
    (field(b"a", b"1") + END + field(b"b", b"2") + END, "multipart_epilogue"),
    (field(b"a", b"1") + b"--bb \r\n", "multipart_delimiter"),
    (field(b"a", b"1") + b"--bbX\r\n", "multipart_delimiter"),
    (field(b"a", b"1") + b"--bb\n\n", "multipart_delimiter"),
    (field(b"a", b"1\n--bb\r\nx") + END, "multipart_delimiter"),
    (field(b"a", b"1\r--bb\r\nx") + END, "multipart_delimiter"),
    (field(b"a", b"1").replace(b"\r\n", b"\n") + END, "multipart_delimiter"),
    (b'--bb\r\nContent-Disposition: form-data; name="a"\r\n\r\n--bb--\r\n', "multipart_delimiter"),
    (b"--bb\r\n\r\nx\r\n" + END, "multipart_header"),
    (field(b"_charset_", b"utf-7,hz") + field(b"_charset_", b"gbk") + END, "charset"),
    (field(b"a", b"1", b"\r\nContent-Type: multipart/mixed; boundary=cc") + END, "multipart_nested"),
]


@pytest.mark.parametrize(("body", "reason"), REFUSED)
def test_refused(read, body: bytes, reason: str) -> None:
    for cuts in ((), range(0, len(body), 2)):
        with pytest.raises(ContentError) as caught:
            read(TYPE, body, None, cuts)
        assert caught.value.reason == reason
    assert reason in REASONS | HEAD_REASONS


def test_limits(read) -> None:
    with pytest.raises(LimitError, match="parts"):
        read(TYPE, field(b"a", b"") * 3 + END, ContentLimits(parts=2))
    with pytest.raises(LimitError, match="part_head_bytes"):
        read(TYPE, b"--bb\r\nX: " + b"x" * 200, ContentLimits(part_head_bytes=100))
    with pytest.raises(LimitError, match="part_head_bytes"):
        read(TYPE, field(b"a" * 200, b"") + END, ContentLimits(part_head_bytes=100))
    with pytest.raises(LimitError, match="argument_bytes"):
        read(TYPE, field(b"a", b"x" * 11) + END, ContentLimits(argument_bytes=10))
    with pytest.raises(LimitError, match="structured_bytes"):
        read(TYPE, field(b"a", b"x" * 6) * 2 + END, ContentLimits(structured_bytes=10))


def test_a_file_comes_in_windows(read) -> None:
    limits = ContentLimits(window_bytes=10, window_overlap_bytes=2)
    got = read(TYPE, upload(b"f", b"n", b"0123456789abcdef") + END, limits)
    assert got.of("window") == [(b"n", b"0123456789"), (b"n", b"89abcdef")]


def test_memory_does_not_grow_with_the_file() -> None:
    class Forgetful:
        def part(self, field: bytes, filename: bytes | None) -> None: ...
        def part_header(self, field: bytes, line: bytes) -> None: ...
        def file(self, field: bytes, filename: bytes, content_type: bytes) -> None: ...
        def file_size(self, field: bytes, size: int) -> None: ...
        def window(self, name: bytes, data: bytes) -> None: ...

    limits = ContentLimits()
    block = bytes(range(256)) * 4096
    tracemalloc.start()
    reader = open_body(TYPE, limits, Forgetful())
    reader.feed(upload(b"f", b"n", b"")[:-2])
    for _ in range(24):
        reader.feed(block)
    reader.feed(b"\r\n" + END)
    reader.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * limits.window_bytes


NAMES = st.text("abc[]_", min_size=1, max_size=5).map(str.encode)
VALUES = st.one_of(st.binary(max_size=40), st.text("\r\n-b", max_size=20).map(str.encode)).filter(
    lambda v: not any(bad in b"\n" + v + b"\r\n" for bad in (b"\n--bb", b"\r--bb"))
)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=5, unique_by=lambda p: p[0])


@given(fields=FIELDS, content=VALUES, cuts=st.lists(st.integers(0, 600), max_size=8))
def test_what_a_client_writes_is_read(
    read, fields: list[tuple[bytes, bytes]], content: bytes, cuts: list[int]
) -> None:
    body = b"".join(field(n, v) for n, v in fields) + upload(b"f", b"n", content) + END
    got = read(TYPE, body, None, cuts)
    assert got.arguments == fields
    assert got.of("window") == ([(b"n", content)] if content else [])


@given(
    body=st.lists(
        st.sampled_from(
            [b"--bb", b"\r\n", b"\n", b"\r", b"--", b"x", field(b"a", b"1"), upload(b"f", b"n", b"2"), END]
        ),
        max_size=8,
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 600), max_size=8),
)
def test_parses_or_refuses_whatever_the_split(read, body: bytes, cuts: list[int]) -> None:
    def outcome(cuts: list[int]) -> object:
        try:
            return read(TYPE, body, None, cuts).told
        except (ContentError, LimitError) as error:
            return str(error)

    assert outcome(cuts) == outcome([]) == outcome(list(range(len(body))))


@pytest.mark.parametrize("unit", [b"\r\n--b", b"\n", b"\r", b"-", b"--", b"\r\n--", b"x", b"\r\n-\r\n"])
def test_growth_is_linear(read, unit: bytes) -> None:
    for boundary in (b"bb", b"-" * 70, b"bbbbbbbbbbbbbbbbbbbbbbbc"):
        start = upload(b"f", b"n", b"").replace(b"--bb", b"--" + boundary)[:-2]
        body = start + b"x" + unit * (4_000_000 // len(unit))
        before = time.process_time()
        try:
            read(b"multipart/form-data; boundary=" + boundary, body)
        except ContentError:
            pass
        assert time.process_time() - before < 1.0
