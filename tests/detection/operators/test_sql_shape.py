"""The grammar of SQL behind a value: what goes on with a statement is told from prose and filters; time is linear."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.operators import sql_shape
from revproxy.detection.operators.sql_shape import is_sql, letters

STATEMENTS = [
    b"x' or a='b",
    b"1' or '1'='1",
    b"x' and email is null; --",
    b"a' or uid like '%",
    b'x" or ""="',
    b"1 or 2>1",
    b"1 or 'a' in ('a')",
    b"1 or 1 between 0 and 2",
    b"1 and ascii(substring((select database()),1,1))>64",
    b"-1' or 3*2*1=6 and 000123=000123 or 'a'='a",
    b"'||(select 1)||'",
    b"'-sleep(5)-'",
    b"') or ('1'='1'--",
    b"1'or/**/1/**/=/**/1#",
    b"1; merge into x using y",
    b"1';attach database 'x' as y;--",
    b"x' union select 1,2",
    b"' group by x having 1=1 --",
    b"(case when 1=1 then id else name end)",
    b"1,(select 1 from t)",
    b"/item/5 or 7=7",
    b"https://www.example.org/?id=1 or 1=1",
]
ORDINARY = [
    b"O'Brien & sons",
    b"it's mine and it's 5=five",
    b"I was like 'or else what?' and he = silent",
    b'title="sql" && product="wordpress" || author=="CT Stack"',
    b'project = "ABC" and status in (Open, "In Progress")',
    b'user.name=="x" && age>=18',
    b"startswith(name,'a') and contains(title,'b')",
    b"name eq 'O''Neil' and price gt 5",
    b"5' 10\" tall, 180lb",
    b"5 or 6 people",
    b"1-2,4-6,8",
    b"2+2=4; 3*3=9",
    b"rock 'n' roll",
    b'SMALL "&" SIGN',
    b"in case this happens when I call, then wait",
    b"select 'and'",
    b"",
]


@pytest.mark.parametrize("value", STATEMENTS)
def test_a_statement_that_goes_on_is_found(value: bytes) -> None:
    assert is_sql(value)


@pytest.mark.parametrize("value", ORDINARY)
def test_prose_and_filters_are_none(value: bytes) -> None:
    assert not is_sql(value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"1 or a=b", b"1Ln=n"),
        (b"f(1,g(2))=3", b"f=1"),
        (b"(select 1)", b"Q"),
        (b"(1=1)", b"b"),
        (b"a.b.c like 'x", b"n=S"),
        (b"a /* b */ c -- d", b"nnc"),
    ],
)
def test_letters(text: bytes, wanted: bytes) -> None:
    assert letters(text) == wanted


@given(st.sampled_from(STATEMENTS), st.sampled_from([b" ", b"\t", b"\n", b"/**/", b"  "]))
def test_blanks_and_comments_change_nothing(value: bytes, blank: bytes) -> None:
    assert is_sql(value.replace(b" ", blank)) or b"--" in value


PIECES = ["'", '"', "(", ")", ";", "=", "-", "/*x*/", "or", "1", "a", "f(", ".", ",", "union", "select", "@a", "#"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: " ".join(pieces).encode()))
def test_what_is_not_read_on_could_not_be_a_statement(text: bytes) -> None:
    shape = letters(text)
    assert sql_shape._may_be_number(text) or not sql_shape._NUMBER_ENDED.match(shape)
    closed = "'" + text.decode()
    assert sql_shape._is_text_closed(closed.encode()) is bool(sql_shape._TEXT_CLOSED.match(letters(closed.encode())))


@given(st.text(alphabet="'\"();=|-/*# aor1n,.", max_size=60).map(str.encode))
def test_nothing_breaks_it(value: bytes) -> None:
    assert is_sql(value) in (True, False)


@pytest.mark.parametrize(
    "piece", [b"'", b"(", b"a", b"' or a=", b"1 or ", b"/*", b"1=1 ", b"=/1", b"f(", b"''", b"--"]
)
def test_time_is_bounded(piece: bytes) -> None:
    value = piece * (1_000_000 // len(piece))
    before = time.process_time()
    is_sql(value)
    assert time.process_time() - before < 0.2
