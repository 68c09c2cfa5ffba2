"""Arguments of operators; errors are in tests/data/sigyaml/errors.yaml."""

import pytest
import yaml

from revproxy.detection.rules import Operator
from revproxy.detection.sigyaml.document import Document
from revproxy.detection.sigyaml.matchers import read_match
from revproxy.model import Protocol


def read(text):
    document = Document(text, "x")
    match = read_match(document, document.root, frozenset(Protocol))
    return match, [e.message for e in document.errors]


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("rx: a.b", Operator("rx", "a.b")),
        ("pm: [a, b]", Operator("pm", ("a", "b"))),
        ("pm: a", Operator("pm", ("a",))),
        ("gt: 5", Operator("gt", "5")),
        ("detectSQLi: true", Operator("detectSQLi")),
        ("validateByteRange: 9", Operator("validateByteRange", "9")),
        ("validateByteRange: 9, 32-126", Operator("validateByteRange", "9,32-126")),
        ("ipMatch: [10.0.0.0/8, '::1']", Operator("ipMatch", ("10.0.0.0/8", "::1"))),
        ("streq: 'true'", Operator("streq", "true")),
    ],
)
def test_argument(text, operator):
    match, errors = read(f"any:\n  - {text}\n")
    assert errors == []
    assert [m.operator for m in match.one_of] == [operator]


@pytest.mark.parametrize(
    "text",
    [
        "rx: 5",
        "rx: ''",
        "pm: []",
        "pm: {a: b}",
        "gt: many",
        "gt: -1",
        "detectXSS: yes",
        "detectXSS: false",
        "streq: true",
    ],
)
def test_wrong_argument(text):
    _, errors = read(f"any:\n  - {text}\n")
    assert len(errors) == 1
    assert yaml.safe_load(text) is not None
