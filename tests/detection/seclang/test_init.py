"""The published rule set, where it is at hand: it parses whole, in order, and quickly."""

import time
from collections import Counter
from pathlib import Path

import pytest

from revproxy.detection import seclang
from revproxy.detection.seclang import Ctl, Flag, Reference, Rule, SetVar, Transformation, Words, load

CRS = Path(__file__).resolve().parents[4] / "shared" / "crs"
pytestmark = pytest.mark.skipif(not CRS.is_dir(), reason=f"left out: no {CRS}")


def read(path):
    return Path(path).read_bytes()


def glob(pattern):
    return [str(path) for path in Path("/").glob(pattern.removeprefix("/"))]


@pytest.fixture(scope="module")
def tree():
    """Its setup and its rules, in the order of their names."""
    files = [CRS / "crs-setup.conf.example", *sorted(CRS.glob("rules/*.conf"))]
    return load(map(str, files), read, glob)


@pytest.fixture(scope="module")
def links(tree):
    return [link for rule in tree.statements if isinstance(rule, Rule) for link in rule.links]


def test_counts(tree, links):
    """As counted in facts/seclang.md."""
    assert len(tree.sources) == 28
    assert ["ctl:auditEngine" in notice.message for notice in tree.notices] == [True] * 2
    assert len(links) == 703
    assert sum(link.operator is None for link in links) == 8
    counts = Counter(type(statement).__name__ for statement in tree.statements)
    assert counts == {"Rule": 630, "UpdateTargets": 55, "Marker": 30, "DefaultActions": 5, "Setting": 1}


def test_phases_and_chains(tree):
    rules = [statement for statement in tree.statements if isinstance(statement, Rule)]
    assert sum(len(rule.links) - 1 for rule in rules) == 73
    assert Counter(rule.phase for rule in rules) == {1: 173, 2: 292, 3: 43, 4: 109, 5: 13}
    assert len({rule.id for rule in rules}) == len(rules)


def test_operators(links):
    operators = [link.operator for link in links if link.operator]
    counts = Counter(operator.name for operator in operators)
    assert len(counts) == 19
    assert (counts["rx"], counts["pmFromFile"], counts["pm"], counts["detectSQLi"]) == (318, 21, 12, 2)
    assert sum(operator.negated for operator in operators if operator.name == "rx") == 21
    assert max(len(o.argument.text.value) for o in operators) == 12_182
    assert all(o.argument.fixed for o in operators if o.name == "rx")


def test_actions(links):
    actions = [action for link in links for action in link.actions]
    names = {action.name for action in actions}
    assert len(names) == 23
    transformations = Counter(a.transformation for a in actions if isinstance(a, Transformation))
    assert len(transformations) == 20
    assert transformations["urlDecodeUni"] == 140
    assert Counter(a.name for a in actions if isinstance(a, Flag))["multiMatch"] == 8
    assert len({a.option for a in actions if isinstance(a, Ctl)}) == 6
    levels = Counter(a.value.text.value for a in actions if isinstance(a, Words) and a.name == "tag")
    assert [levels[b"paranoia-level/%d" % level] for level in (1, 2, 3, 4)] == [214, 90, 32, 9]
    assert {a.collection for a in actions if isinstance(a, SetVar)} == {"TX"}


def test_variables(links):
    variables = [variable for link in links for variable in link.variables]
    # One less than counted there: a comment has them, too.
    assert Counter(v.key for v in variables if v.name == "XML") == {b"/*": 176, b"//@*": 175}
    assert len({v.name for v in variables}) == 33


def test_references(links):
    parts = [part for link in links for a in link.actions if isinstance(a, Words) for part in a.value.parts]
    names = {part.variable for part in parts if isinstance(part, Reference)}
    assert {"TX", "MATCHED_VAR", "MATCHED_VAR_NAME"} <= names


def test_places_are_those_of_the_files(tree, links):
    """Every pattern stands, byte for byte, where the tree says, if it stands in one line without escaped quotes."""
    looked_at = 0
    for link in links:
        text = link.operator.argument.text if link.operator else None
        if text is None or text.breaks:
            continue
        row = tree.sources[text.where.file].rows[text.where.line - 1]
        assert row[text.where.column - 1 :].encode("latin-1").startswith(text.value)
        looked_at += 1
    assert looked_at > 500


def test_it_takes_well_under_a_second():
    files = [str(path) for path in (CRS / "crs-setup.conf.example", *sorted(CRS.glob("rules/*.conf")))]
    texts = {file: read(file) for file in files}
    took = []
    for _ in range(3):
        began = time.process_time()
        load(files, texts.__getitem__, glob)
        took.append(time.process_time() - began)
    assert min(took) < 0.5


def test_the_room_lists_its_names():
    assert all(hasattr(seclang, name) for name in seclang.__all__)
