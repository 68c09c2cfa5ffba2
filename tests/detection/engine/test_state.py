import pytest

from revproxy.detection.engine.state import Accepted, State, named
from revproxy.model import Fields


@pytest.mark.parametrize(
    ("field", "key", "want"),
    [
        ("headers", b"host", b"REQUEST_HEADERS:hOst"),
        ("headers.written", b"host", b"REQUEST_HEADERS_NAMES:hOst"),
        ("headers", b"accept", b"REQUEST_HEADERS:accept"),
        ("reply.headers", b"host", b"RESPONSE_HEADERS:host"),
        ("args.plain", b"Host", b"ARGS:Host"),
        ("method", b"", b"REQUEST_METHOD"),
        ("tx", b"score", b"TX:score"),
        ("tx.names", b"score", b"TX:score"),
        ("matched.one", b"", b"MATCHED_VAR"),
        ("time", b"time", b"TIME"),
        ("time", b"wday", b"TIME_WDAY"),
        ("multipart.errors", b"strict_error", b"MULTIPART_STRICT_ERROR"),
        ("id", b"", b"UNIQUE_ID"),
        ("subject", b"", b"subject"),
    ],
)
def test_named(field: str, key: bytes, want: bytes):
    fields = Fields()
    fields.put("headers.written", [b"X", b"hOst", b"HOST"], [b"x", b"host", b"host"])
    assert named(Accepted(field, key, b"", None), fields) == want


def test_a_state_is_a_copy():
    begin = {b"a": b"1"}
    state = State(begin)
    state.variables[b"a"] = b"2"
    assert begin == {b"a": b"1"}
    assert not state.touched
