from __future__ import annotations

import pytest

from revproxy.detection.operators import ArgumentError
from revproxy.detection.operators.restpath import restpath


@pytest.mark.parametrize(
    ("argument", "value", "want"),
    [
        ("/some-random/url-{id}/{name}", b"/some-random/url-123/juan", True),
        ("/some-random/url-{id}/{name}", b"/some-random/url-123", False),
        ("/a/{b}", b"/x/a/", True),
        ("^/a/{b}$", b"/x/a/", False),
        ("/a/{b}/c", b"/a/1\n2/c", False),
        ("/a/[0-9]+", b"/a/7", True),
    ],
)
def test_cases(argument: str, value: bytes, want: bool) -> None:
    operator = restpath(argument)
    assert operator(value) is want
    assert operator.groups(value) == ()


@pytest.mark.parametrize(("argument", "offset"), [("/{a b}", 1), ("/{a}/{a}", 5)])
def test_wrong_names(argument: str, offset: int) -> None:
    with pytest.raises(ArgumentError) as caught:
        restpath(argument)
    assert caught.value.offset == offset
