"""Operators for numbers that carry a check: payment cards, tax and insurance numbers.

The argument is a pattern that finds candidates; a value is accepted when one candidate checks out, and that one is
captured. Invariant: work is linear in the value. Candidates are looked for from every place on, as the reference does
it, but in windows, and one of more than `LONGEST` bytes is no such number. Where `^` and `\\b` hold is decided by the
whole value, not by what is left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final

from revproxy.detection.operators.base import Argument, ArgumentError, CompiledOperator, Factory, text_of
from revproxy.detection.operators.rx import compile_re2, tree_of
from revproxy.detection.patterns import Flags, to_re2

Check = Callable[[bytes], bool]

LONGEST: Final = 128
"""Of a candidate, in bytes."""
_DIGITS: Final = b"0123456789"
_OTHERS: Final = bytes(set(range(256)) - set(_DIGITS))
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_RUNNING: Final = b"01234567890"


def _candidates(search: Any, value: bytes, overlapping: bool) -> Iterator[bytes]:
    at = 0
    while at < len(value):
        match = search(value, at, min(at + 2 * LONGEST, len(value)))
        if match is None:
            at += LONGEST
            continue
        start, end = match.span()
        if start - at > LONGEST:
            # The window may have cut it.
            at = start
            continue
        if end - start <= LONGEST:
            yield value[start:end]
        at = start + 1 if overlapping else max(start + 1, end)


def _operator(program: Any, check: Check, fewest: int, overlapping: bool = True) -> CompiledOperator:
    search = program.search

    def first(value: bytes) -> bytes | None:
        if len(value) - len(value.translate(None, _DIGITS)) < fewest:
            return None
        return next((text for text in _candidates(search, value, overlapping) if check(text)), None)

    def find(value: bytes) -> tuple[int, int] | None:
        number = first(value)
        return None if number is None else (value.index(number), value.index(number) + len(number))

    def captures(value: bytes) -> tuple[bytes, ...]:
        number = first(value)
        return () if number is None else (number,)

    return CompiledOperator(lambda value: first(value) is not None, find, captures)


def _verifier(check: Check, fewest: int, what: str) -> Factory:
    def factory(argument: Argument) -> CompiledOperator:
        return _operator(compile_re2(to_re2(tree_of(argument), groups=False), captures=False), check, fewest)

    factory.__doc__ = f"A match of the pattern is {what}."
    return factory


def _numbers(text: bytes) -> list[int]:
    return [byte - 0x30 for byte in text.translate(None, _OTHERS)]


def _is_card(text: bytes) -> bool:
    """Luhn's check (ISO/IEC 7812-1, annex B) over all digits."""
    digits = _numbers(text)[::-1]
    return bool(digits) and (sum(digits[::2]) + sum(_DOUBLED[d] for d in digits[1::2])) % 10 == 0


def _is_cpf(text: bytes) -> bool:
    """Brazil's Cadastro de Pessoas Fisicas: two check digits behind nine. Only the first eleven digits count."""
    text = text.partition(b"\0")[0].translate(None, _OTHERS)[:11]
    if len(text) < 11 or len(set(text)) == 1 or text == _RUNNING:
        return False
    digits = _numbers(text)
    return digits[9:] == [_cpf_digit(digits[:9]), _cpf_digit(digits[:10])]


def _cpf_digit(digits: list[int]) -> int:
    rest = sum(d * weight for d, weight in zip(digits, range(len(digits) + 1, 1, -1), strict=True)) % 11
    return 0 if rest < 2 else 11 - rest


def _is_ssn(text: bytes) -> bool:
    """Social security number of the United States: nine digits that were ever given out."""
    digits = _numbers(text)
    return len(digits) == 9 and _may_be_ssn(digits)


def _may_be_ssn(digits: list[int]) -> bool:
    area, group, serial = (int("".join(map(str, part))) for part in (digits[:3], digits[3:5], digits[5:9]))
    if 0 in (area, group, serial) or area >= 740 or area == 666:
        return False
    steps = {after - before for before, after in pairwise(digits)}
    return steps not in ({0}, {1})


_SVNR_WEIGHTS: Final = (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)


def _is_svnr(text: bytes) -> bool:
    """Austria's Sozialversicherungsnummer: the fourth digit checks. Only the first ten digits count."""
    text = text.partition(b"\0")[0].translate(None, _OTHERS)[:10]
    if len(text) < 10 or len(set(text)) == 1 or text in (_RUNNING[:10], _RUNNING[1:]):
        return False
    digits = _numbers(text)
    return sum(d * weight for d, weight in zip(digits, _SVNR_WEIGHTS, strict=True)) % 11 % 10 == digits[3]


def _is_rut(text: bytes) -> bool:
    """Chile's Rol Unico Tributario: a check digit, or `k`, behind the number."""
    kept = text.lower().translate(None, bytes(set(_OTHERS) - {0x6B}))
    body, last = kept[:-1], kept[-1:]
    if len(text) < 8 or not body.isdigit() or len(body) > 18:
        return False
    total = sum((byte - 0x30) * (2 + place % 6) for place, byte in enumerate(reversed(body)))
    return last == b"0k987654321"[total % 11 : total % 11 + 1]


def _is_long_ssn(text: bytes) -> bool:
    digits = _numbers(text)
    return len(digits) >= 9 and _may_be_ssn(digits)


_NATIONS: Final[dict[str, tuple[Check, int]]] = {"cl": (_is_rut, 1), "us": (_is_long_ssn, 9)}

verify_cc = _verifier(_is_card, 1, "a payment card number")
verify_cpf = _verifier(_is_cpf, 11, "a Brazilian taxpayer number")
verify_ssn = _verifier(_is_ssn, 9, "a US social security number")
verify_svnr = _verifier(_is_svnr, 10, "an Austrian insurance number")


def validate_nid(argument: Argument) -> CompiledOperator:
    """A match of the pattern is a national number: `cl` or `us`, a space, the pattern (as Coraza has it)."""
    nation, space, pattern = text_of(argument).partition(" ")
    if nation not in _NATIONS or not space:
        raise ArgumentError("begins with `cl` or `us` and a space", 0)
    check, fewest = _NATIONS[nation]
    try:
        tree = tree_of(pattern, Flags(s=False, m=False))
    except ArgumentError as error:
        place = None if error.offset is None else error.offset + len(nation) + 1
        raise ArgumentError(error.message, place) from error
    return _operator(compile_re2(to_re2(tree, groups=False), captures=False), check, fewest, overlapping=False)
