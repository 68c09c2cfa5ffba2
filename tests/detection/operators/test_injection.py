"""libinjection, where it is there, and our stand-in answer the plain cases alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.operators import injection

DATA = json.loads((Path(__file__).parents[2] / "data" / "detection" / "injection.json").read_text("utf-8"))
SOURCES = [injection.find_detectors(), injection.own_detectors()]


@pytest.mark.parametrize("detectors", SOURCES, ids=lambda d: d.source)
@pytest.mark.parametrize(("kind", "text", "want"), DATA)
def test_plain_cases(detectors: injection.Detectors, kind: str, text: str, want: bool) -> None:
    factory = {"sqli": injection.detect_sqli, "xss": injection.detect_xss}[kind]
    assert factory("", detectors)(text.encode()) is want


@pytest.mark.parametrize("detectors", SOURCES, ids=lambda d: d.source)
@given(
    st.one_of(st.binary(max_size=60), st.text(alphabet="'\"1 or=()-#/*;<>onclick`\\@x", max_size=40).map(str.encode))
)
def test_nothing_fails(detectors: injection.Detectors, value: bytes) -> None:
    operator = injection.detect_sqli("", detectors)
    assert bool(operator.groups(value)) == operator(value)
    injection.detect_xss("", detectors)(value)
