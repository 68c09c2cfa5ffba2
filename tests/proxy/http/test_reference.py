"""Our fields beside the variables of libmodsecurity 3, over a table of requests.

A difference is listed in the table, with its reason, and has to be one: see `tests/data/fields/reference.yaml`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from seen_by_modsecurity import Message, Pairs, Variables

from revproxy.detection.rules import FIELDS, FILLED
from revproxy.detection.seclang.lower.fields import place_of
from revproxy.model import ContentLimits, Fields, HttpLimits, Protocol
from revproxy.protocols.http1 import ResponseHead, parse_request
from revproxy.proxy.http.fields import fill_head, fill_no_body, fill_reply_body, fill_reply_head
from revproxy.proxy.http.message import Client
from revproxy.proxy.http.reading import Reading

pytestmark = pytest.mark.skipif(find_spec("libmodsecurity") is None, reason="libmodsecurity is not installed")

KEYED = """
    ARGS ARGS_NAMES ARGS_GET ARGS_GET_NAMES ARGS_POST ARGS_POST_NAMES REQUEST_COOKIES REQUEST_COOKIES_NAMES
    REQUEST_HEADERS REQUEST_HEADERS_NAMES FILES FILES_NAMES FILES_SIZES MULTIPART_NAME MULTIPART_FILENAME
    MULTIPART_PART_HEADERS XML:/* XML://@*
""".split()  # noqa: SIM905
SINGLE = """
    ARGS_COMBINED_SIZE AUTH_TYPE FILES_COMBINED_SIZE INBOUND_DATA_ERROR PATH_INFO QUERY_STRING REMOTE_ADDR REMOTE_PORT
    REMOTE_USER REQBODY_ERROR REQBODY_ERROR_MSG REQBODY_PROCESSOR REQBODY_PROCESSOR_ERROR REQBODY_PROCESSOR_ERROR_MSG
    REQUEST_BASENAME REQUEST_BODY REQUEST_BODY_LENGTH REQUEST_FILENAME REQUEST_LINE REQUEST_METHOD REQUEST_PROTOCOL
    REQUEST_URI REQUEST_URI_RAW SERVER_ADDR SERVER_NAME SERVER_PORT URLENCODED_ERROR
    MULTIPART_BOUNDARY_QUOTED MULTIPART_BOUNDARY_WHITESPACE MULTIPART_CRLF_LF_LINES MULTIPART_DATA_AFTER
    MULTIPART_DATA_BEFORE MULTIPART_FILE_LIMIT_EXCEEDED MULTIPART_HEADER_FOLDING MULTIPART_INVALID_HEADER_FOLDING
    MULTIPART_INVALID_PART MULTIPART_INVALID_QUOTING MULTIPART_LF_LINE MULTIPART_MISSING_SEMICOLON
    MULTIPART_STRICT_ERROR MULTIPART_UNMATCHED_BOUNDARY
""".split()  # noqa: SIM905
TIMES = [f"TIME{part}" for part in ("", "_DAY", "_EPOCH", "_HOUR", "_MIN", "_MON", "_SEC", "_WDAY", "_YEAR")]
ANSWER = """
    RESPONSE_BODY RESPONSE_CONTENT_LENGTH RESPONSE_CONTENT_TYPE RESPONSE_PROTOCOL RESPONSE_STATUS RESPONSE_HEADERS
    RESPONSE_HEADERS_NAMES OUTBOUND_DATA_ERROR
""".split()  # noqa: SIM905
NUMBERS = frozenset(v for v in SINGLE if v.endswith(("_SIZE", "_LENGTH", "_ERROR")) or v.startswith("MULTIPART_"))
"""An empty number is 0 to every operator that knows numbers."""
CLIENT = Client("192.0.2.1", "192.0.2.1", b"https", "web", port=4711, local=("192.0.2.80", 443))
CASES = yaml.safe_load((Path(__file__).parents[2] / "data/fields/reference.yaml").read_text("utf-8"))
REASONS: dict[str, str] = CASES["reasons"]


@pytest.fixture(scope="module")
def reference() -> Iterator[Variables]:
    asked = Variables([*KEYED, *SINGLE, *TIMES], ANSWER)
    yield asked
    asked.close()


def message(case: dict[str, Any]) -> Message:
    method, _, target = case.get("request", "GET /").encode("latin-1").partition(b" ")
    body = case.get("body", "").encode("latin-1")
    lines = ["Host: site.example", *case.get("headers", ())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    headers = [(n, v.strip(b" ")) for n, _, v in (line.encode("latin-1").partition(b":") for line in lines)]
    return Message(method, target, headers, body)


def fields_of(sent: Message) -> Fields:
    lines = b"".join(b"%b: %b\r\n" % line for line in sent.headers)
    head = parse_request(b"%b %b HTTP/1.1\r\n%b\r\n" % (sent.method, sent.target, lines), HttpLimits())
    fields = Fields()
    fill_head(fields, head, CLIENT, ContentLimits(), FILLED)
    if not sent.body:
        fill_no_body(fields, head, FILLED)
        return fields
    reading = Reading(head, ContentLimits(), 1 << 20, FILLED)
    reading.feed(sent.body)
    reading.finish()
    reading.fill(fields)
    return fields


def pairs_of(fields: Fields, variable: str) -> Pairs:
    name, _, path = variable.partition(":")
    field, key = place_of(name, path.encode() if path else None)
    base = field.removesuffix(".names")
    keys, values = fields.get(base if field not in fields and base in FILLED else field) or ((), ())
    if field != base and field not in FILLED:
        values = keys
    got = zip(keys or (b"",) * len(values), values, strict=True)
    return sorted((k, v) for k, v in got if key is None or k == key)


def plain(variable: str, pairs: Pairs) -> Pairs | bytes:
    """What a rule can tell apart."""
    if variable in KEYED or variable in ANSWER[5:7]:
        return sorted((key.lower() if "HEADERS" in variable else key, value) for key, value in pairs)
    value = pairs[0][1] if pairs else b""
    if variable in NUMBERS:
        # The reference counts in floating point, and says 2 where it cannot tell.
        number = int(float(value or b"0"))
        return b"%d" % (0 if variable == "MULTIPART_UNMATCHED_BOUNDARY" and number == 2 else number)
    if variable.endswith("_ERROR_MSG"):
        return b"something" if value else b""
    return value


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["what"])
def test_same_values(reference: Variables, case: dict[str, Any]) -> None:
    sent = message(case)
    theirs, ours = reference(sent), fields_of(sent)
    differs = case.get("differs", {})
    for variable in [*KEYED, *SINGLE]:
        expected, got = plain(variable, theirs.get(variable, [])), plain(variable, pairs_of(ours, variable))
        if variable in differs:
            assert got != expected, f"{variable} differs no more"
        else:
            assert got == expected, variable
    assert set(differs) <= {*KEYED, *SINGLE}
    assert set(differs.values()) <= set(REASONS)


def test_every_reason_has_a_case() -> None:
    assert {reason for case in CASES["cases"] for reason in case.get("differs", {}).values()} == set(REASONS)


def test_time(reference: Variables) -> None:
    sent = message({})
    theirs, ours = reference(sent), fields_of(sent)
    assert abs(int(theirs["TIME_EPOCH"][0][1]) - int(pairs_of(ours, "TIME_EPOCH")[0][1])) <= 2
    if int(time.time()) % 86_400 > 86_000:
        return  # about midnight days differ
    for variable in ("TIME_DAY", "TIME_MON", "TIME_WDAY", "TIME_YEAR"):
        assert [v for _, v in theirs[variable]] == [v for _, v in pairs_of(ours, variable)]
    for variable in ("TIME", "TIME_HOUR", "TIME_MIN", "TIME_SEC"):
        assert [len(v) for _, v in theirs[variable]] == [len(v) for _, v in pairs_of(ours, variable)]


def test_answer(reference: Variables) -> None:
    lines = [
        (b"Content-Type", b"text/html; charset=utf-8"),
        (b"X-A", b"1"),
        (b"x-a", b"2"),
        (b"Content-Length", b"5"),
    ]
    theirs = reference(Message(b"GET", b"/", [(b"Host", b"a")], b"", lines, b"hello"))
    names = [name.lower() for name, _ in lines]
    first = {name.lower(): value for name, value in reversed(lines)}
    fields = Fields()
    head = ResponseHead(200, b"OK", b"HTTP/1.1", lines, names, 5, False, True, frozenset(), first)
    fill_reply_head(fields, head, FILLED)
    fill_reply_body(fields, b"hello", True, FILLED)
    for variable in ANSWER:
        assert plain(variable, pairs_of(fields, variable)) == plain(variable, theirs[variable]), variable


def test_every_field_of_seclang_is_held_against_the_reference() -> None:
    """But those that the reference leaves empty, or fills in its own way."""
    held = {
        place_of(name, path.encode() if path else None)[0]
        for name, _, path in (v.partition(":") for v in [*KEYED, *SINGLE, *TIMES, *ANSWER])
    }
    spoken = {s.name for s in FIELDS.values() if s.seclang and Protocol.HTTP in s.protocols}
    assert spoken - held == {"files.content", "reply.line", "request", "request.length"}


OF_TARGET = (
    "ARGS_GET",
    "ARGS_GET_NAMES",
    "ARGS_COMBINED_SIZE",
    "QUERY_STRING",
    "REQUEST_FILENAME",
    "REQUEST_BASENAME",
    "REQUEST_URI",
    "REQUEST_URI_RAW",
    "REQUEST_LINE",
)


def agree(reference: Variables, sent: Message, variables: Iterable[str]) -> None:
    theirs, ours = reference(sent), fields_of(sent)
    for variable in variables:
        expected, got = plain(variable, theirs.get(variable, [])), plain(variable, pairs_of(ours, variable))
        assert got == expected, variable


@settings(deadline=None)
@given(st.text("ab=&%+;?4F/\\.'", max_size=24))
def test_any_target(reference: Variables, text: str) -> None:
    agree(reference, Message(b"GET", b"/" + text.encode(), [(b"Host", b"a")]), OF_TARGET)


@settings(deadline=None)
@given(st.text('ab=;" \t,\\%41', max_size=24))
def test_any_cookie(reference: Variables, text: str) -> None:
    sent = Message(b"GET", b"/", [(b"Host", b"a"), (b"Cookie", text.strip(" \t").encode())])
    agree(reference, sent, ("REQUEST_COOKIES", "REQUEST_COOKIES_NAMES", "REQUEST_HEADERS", "REQUEST_HEADERS_NAMES"))


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=40) | st.text("ab=&%+4\0\n{", min_size=1, max_size=24).map(str.encode))
def test_any_form(reference: Variables, body: bytes) -> None:
    headers = [(b"Host", b"a"), (b"Content-Type", b"application/x-www-form-urlencoded")]
    agree(reference, Message(b"POST", b"/?a=b", headers, body), {*KEYED, *SINGLE} - {"URLENCODED_ERROR"})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.dictionaries(st.text('ab."é\\', min_size=1, max_size=4), inner, max_size=4),
)


@settings(deadline=None)
@given(VALUES, st.booleans())
def test_any_json_without_arrays(reference: Variables, value: object, ascii_only: bool) -> None:
    try:
        body = json.dumps(value, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        return
    sent = Message(b"POST", b"/", [(b"Host", b"a"), (b"Content-Type", b"application/json")], body)
    if b"\\ud" in body:
        return  # surrogates, alone or not
    agree(reference, sent, ("ARGS", "ARGS_NAMES", "ARGS_COMBINED_SIZE", "REQBODY_ERROR", "REQUEST_BODY"))


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text("ab ;", min_size=1, max_size=5), st.none() | st.text("ab.", max_size=4), st.binary(max_size=12)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_multipart_form(reference: Variables, parts: list[tuple[str, str | None, bytes]]) -> None:
    body = b""
    for name, filename, value in parts:
        more = f'; filename="{filename}"' if filename is not None else ""
        body += f'--BB\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()
        body += value.replace(b"\n", b"").replace(b"\r", b"") + b"\r\n"
    headers = [(b"Host", b"a"), (b"Content-Type", b"multipart/form-data; boundary=BB")]
    sent = Message(b"POST", b"/", headers, body + b"--BB--\r\n")
    agree(reference, sent, {*KEYED, *SINGLE} - {"ARGS_COMBINED_SIZE"})
