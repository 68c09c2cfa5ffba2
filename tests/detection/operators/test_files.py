from __future__ import annotations

import pytest

from revproxy.detection.operators import FILE_OPERATORS, OPERATORS, compile_operator, with_content
from revproxy.detection.rules import Operator


@pytest.mark.parametrize(
    ("name", "content", "want"),
    [
        ("pmFromFile", b"# a\n  # b\nc d\r\n e\n\n", ("pm", ("c d", " e"))),
        ("pmf", b"\xff\n", ("pm", ("\udcff",))),
        ("pmFromDataset", b"#\n", ("noMatch", "")),
        ("ipMatchFromFile", b"# a\n192.0.2.1 ,10.0.0.0/8\r\n\n ::1", ("ipMatch", ("192.0.2.1", "10.0.0.0/8", "::1"))),
        ("ipMatchF", b"", ("noMatch", "")),
        ("ipMatchFromDataset", b",\n", ("noMatch", "")),
    ],
)
def test_content(name: str, content: bytes, want: tuple[str, object]) -> None:
    operator = with_content(Operator(name, "a.data"), content)
    assert (operator.name, operator.argument) == want
    compile_operator(operator)


def test_negation_stays() -> None:
    operator = compile_operator(with_content(Operator("ipMatchF", "a", negated=True), b"192.0.2.1"))
    assert (operator(b"192.0.2.1"), operator(b"192.0.2.2")) == (False, True)
    assert compile_operator(with_content(Operator("pmf", "a", negated=True), b""))(b"x")


def test_bytes_that_are_not_utf8_stay_themselves() -> None:
    assert compile_operator(with_content(Operator("pmf", "a"), b"\xff\xfe"))(b"a\xff\xfeb")


def test_names() -> None:
    assert not FILE_OPERATORS.keys() & OPERATORS.keys()
    assert set(FILE_OPERATORS.values()) <= OPERATORS.keys()
    with pytest.raises(KeyError):
        with_content(Operator("rx", "a"), b"")
