"""Files of tests: both schemas, and what is said of bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from revproxy.app.ftw.document import load
from revproxy.app.ftw.model import Input, Output
from revproxy.errors import Location, ManyErrors
from revproxy.inspection.sources import read_signature_files

DATA = Path(__file__).resolve().parents[2] / "data" / "ftw"


def found_in(name: str) -> dict:
    return {test.id: test for test in load(read_signature_files([DATA / name]))}


def test_the_second_schema() -> None:
    found = found_in("second-schema.yaml")
    assert list(found) == ["100-1", "100-3", "100-30", "100-9"]
    first = found["100-1"].stages[0]
    assert first.where == Location(str(DATA / "second-schema.yaml"), 10, 9)
    assert first.given == Input(
        "POST",
        "/a?b=c",
        headers=(("Host", "localhost"), ("Keep-Alive", "0300"), ("User-Agent", "a test")),
        data=b"x=<a b>&y=1",
        save_cookie=True,
        virtual_host=True,
    )
    expected = first.expected
    assert (expected.statuses, expected.response_contains, expected.retry_once) == ((200,), b"hello", True)
    assert (expected.expect_ids, expected.no_expect_ids) == (("942100", "1"), ("2",))
    assert expected.patterns[0].search(b'x id "942" \xff')
    assert not expected.no_patterns[0].search(b"nothing\nhere")


def test_headers_in_order_and_several_stages() -> None:
    one, two = found_in("second-schema.yaml")["100-3"].stages
    assert one.given.headers == (("Host", "localhost"), ("Accept", "*/*"), ("Host", "other"))
    assert one.given.data == b"\x00\x01\xff"
    assert one.expected == Output(expect_ids=("7",), isolated=True)
    assert two.given.whole == b"GET / \r\n"
    assert two.expected.statuses == (400, 403)


def test_a_test_without_an_id_has_its_number_and_several_uris_are_several_stages() -> None:
    several = load([("5.yaml", "tests: [{stages: [{input: {uris: [/one, /two]}, output: {status: 200}}]}]")])
    assert [(test.id, [stage.given.uri for stage in test.stages]) for test in several] == [("5-1", ["/one", "/two"])]


def test_an_answer_of_its_own_is_skipped() -> None:
    assert "needs a backend" in found_in("second-schema.yaml")["100-9"].skip


def test_the_first_schema() -> None:
    found = found_in("first-schema-200.yaml")
    assert list(found) == ["200-1", "200-2"]
    stage = found["200-1"].stages[0]
    assert not stage.given.autocomplete
    assert [pattern.pattern for pattern in stage.expected.patterns] == [b'id "200"']
    assert [pattern.pattern for pattern in stage.expected.no_patterns] == [b'id "201"']
    assert found["200-2"].stages[0].given.autocomplete


def test_a_disabled_file_is_skipped() -> None:
    assert found_in("disabled.yaml")["300-1"].skip


def cases() -> list[dict]:
    return yaml.safe_load((DATA / "errors.yaml").read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["says"][-1][:40])
def test_errors_are_located(case: dict) -> None:
    with pytest.raises(ManyErrors) as caught:
        load([("a.yaml", case["file"])])
    for words in case["says"]:
        assert words in str(caught.value)


def test_all_errors_of_all_files_at_once() -> None:
    with pytest.raises(ManyErrors) as caught:
        load([("a.yaml", ""), ("b.yaml", "[")])
    assert len(caught.value.errors) == 2
