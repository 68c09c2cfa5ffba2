"""Connection options."""

import pytest

from revproxy.errors import HttpError
from revproxy.protocols.http1.connection import connection_options
from revproxy.protocols.http1.fields import FieldLines, field_names


def options(*values: bytes) -> frozenset[bytes]:
    lines = FieldLines(field_names())
    return connection_options([lines.of(b"Connection: " + value) for value in values], 400)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"close"], {b"close"}),
        ([b"Keep-Alive, Upgrade"], {b"keep-alive", b"upgrade"}),
        ([b"TE", b" , close ,"], {b"te", b"close"}),
        ([b""], set()),
    ],
)
def test_options(values: list[bytes], expected: set[bytes]) -> None:
    assert options(*values) == expected


@pytest.mark.parametrize(
    "value", [b"content-length", b"close, Host", b"a b", b"a;b", b"\xe9", b",".join([b"x"] * 33)]
)
def test_abuse_is_refused(value: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        options(value)
    assert caught.value.status == 400
