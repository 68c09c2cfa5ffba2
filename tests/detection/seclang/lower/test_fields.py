import pytest

from revproxy.detection.rules import FIELDS, PSEUDO, Target
from revproxy.detection.seclang.lower.errors import Problem
from revproxy.detection.seclang.lower.fields import place_of
from revproxy.detection.seclang.vocabulary import VARIABLES
from revproxy.detection.seclang.vocabulary.status import Status

CASES = [
    ("REQUEST_HEADERS", b"User-Agent", ("headers", b"user-agent")),
    ("TX", b"Score", ("tx", b"score")),
    ("XML", b"//@*", (FIELDS and "xml.attributes.plain", None)),
    ("MATCHED_VARS", None, ("matched", None)),
    ("UNIQUE_ID", None, ("id", None)),
    ("TIME_HOUR", None, ("time", b"hour")),
    ("MULTIPART_STRICT_ERROR", None, ("multipart.errors", b"strict_error")),
]


@pytest.mark.parametrize(("variable", "key", "want"), CASES)
def test_place_of(variable, key, want):
    assert place_of(variable, key) == want


NOT_YET = {"DURATION", "HIGHEST_SEVERITY", "RULE"}
"""Variables of the vocabulary that nobody fills yet; as references RULE.id and its like are known."""


def test_every_variable_of_the_vocabulary_has_a_place():
    missing = set()
    for name, spec in VARIABLES.items():
        if spec.status is Status.HONOURED:
            try:
                field, _ = place_of(name, b"/*" if name == "XML" else None)
            except Problem:
                missing.add(name)
            else:
                assert field in FIELDS or field in PSEUDO or field.removesuffix(".names") in FIELDS
    assert missing == NOT_YET


def test_other_paths_into_xml_are_a_problem():
    with pytest.raises(Problem, match="only paths"):
        place_of("XML", b"/a/b")


def test_targets(one):
    rule = one('SecRule &ARGS|!ARGS:/^a|b$/|ARGS_NAMES "@gt 1" "id:1"')
    args, gone, names = rule.conditions[0].targets
    assert args.count
    assert gone == Target(args.field, None, "^a|b$", exclude=True)
    assert names.field == f"{args.field}.names"
