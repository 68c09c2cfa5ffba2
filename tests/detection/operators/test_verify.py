from __future__ import annotations

import time

import pytest

from revproxy.detection.operators import ArgumentError, verify
from revproxy.detection.operators.verify import LONGEST

CASES = [
    ("verify_cc", r"\d{13,16}", b"card 5484605089158216, thanks", b"5484605089158216"),
    ("verify_cc", r"\b\d{16}\b", b"card 5484605089158217, thanks", None),
    ("verify_cc", r"[\d -]{13,23}", b"5484-6050 8915-8216", b"5484-6050 8915-8216"),
    ("verify_cc", r"\w+", b"no digit at all", None),
    ("verify_cpf", r"[\d.-]{11,14}", b"010.817.514-60", b"010.817.514-60"),
    ("verify_cpf", r"[\d.-]{11,14}", b"010.817.514-61", None),
    ("verify_cpf", r"\d{11}", b"11111111111", None),
    ("verify_ssn", r"\d{3}-?\d\d-?\d{4}", b"x 574-57-8065", b"574-57-8065"),
    ("verify_ssn", r"\d{3}-?\d\d-?\d{4}", b"666-57-8065", None),
    ("verify_ssn", r"\d{3}-?\d\d-?\d{4}", b"123456789", None),
    ("verify_ssn", r"\d{3}-?\d\d-?\d{4}", b"574-00-8065", None),
    ("verify_svnr", r"\d{4} ?\d{6}", b"1237 010180", b"1237 010180"),
    ("verify_svnr", r"\d{4} ?\d{6}", b"1238 010180", None),
    ("validate_nid", r"cl [0-9.]{7,10}-?[0-9kK]", b"rut 11.111.111-1", b"11.111.111-1"),
    ("validate_nid", r"cl [0-9.]{7,10}-?[0-9kK]", b"rut 10727393-K", b"10727393-K"),
    ("validate_nid", r"cl [0-9.]{7,10}-?[0-9kK]", b"rut 16100407-2", None),
    ("validate_nid", r"cl [a-z0-9]+", b"abcdefghij1", None),
    ("validate_nid", r"us \d{9}", b"x574578065", b"574578065"),
    ("validate_nid", r"us \d{9}", b"000574578065", None),
]


@pytest.mark.parametrize(("name", "argument", "value", "number"), CASES)
def test_cases(name: str, argument: str, value: bytes, number: bytes | None) -> None:
    operator = getattr(verify, name)(argument)
    assert operator(value) is (number is not None)
    assert operator.groups(value) == (() if number is None else (number,))
    start = value.find(number or b"")
    assert operator.span(value) == (None if number is None else (start, start + len(number)))


@pytest.mark.parametrize("before", [0, 1, LONGEST - 1, LONGEST, LONGEST + 1, 2 * LONGEST - 8, 2 * LONGEST, 1_000])
def test_a_number_is_found_wherever_it_stands(before: int) -> None:
    value = b" " * before + b"5484605089158216" + b" " * 300
    assert verify.verify_cc(r"\b\d{16}\b")(value)
    assert verify.verify_cc(r"\s*\d{16}")(value)


def test_a_long_run_is_no_number() -> None:
    assert not verify.verify_cc(r"(?:^|\D)\d+(?:\D|$)")(b"5484605089158216" + b"0" * 200)


@pytest.mark.parametrize("name", ["verify_cc", "verify_cpf", "verify_ssn", "verify_svnr"])
@pytest.mark.parametrize("text", [b"1", b"1 ", b"12345678.", b"1x"])
def test_time_is_linear(name: str, text: bytes) -> None:
    value = (text * 100_000)[:100_000]
    operator = getattr(verify, name)(r"\d[\d .x]*")
    before = time.process_time()
    operator(value)
    assert time.process_time() - before < 2.0


@pytest.mark.parametrize(("argument", "offset"), [("xx \\d", 0), ("cl", 0), ("", 0), ("cl (a", 3), (r"us (a)\1", 6)])
def test_wrong_arguments(argument: str, offset: int) -> None:
    with pytest.raises(ArgumentError) as caught:
        verify.validate_nid(argument)
    assert caught.value.offset == offset
