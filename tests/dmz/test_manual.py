"""The threat model names tests that exist, every line of its tables names one, and no place is left out."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs" / "threat-model.md").read_text()
NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


def test_the_tests_that_are_named_exist():
    named = set(NAMED.findall(MODEL))
    assert len(named) >= 70
    for file, test in named:
        tree = ast.parse((ROOT / file).read_text())
        assert test in {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }


def rows():
    """All lines of tables that are no heads."""
    lines = MODEL.splitlines()
    heads = {lines[i - 1] for i, line in enumerate(lines) if line.startswith("| ---")}
    return [line for line in lines if line.startswith("| ") and not line.startswith("| ---") and line not in heads]


def test_every_line_names_one():
    assert len(rows()) >= 60
    assert [row for row in rows() if not NAMED.search(row)] == []


@pytest.mark.parametrize(
    "place", ["on the outer network", "in a worker", "in the broker", "on the feed", "a client of the web"]
)
def test_every_place_has_lines(place):
    assert any(place in row.split("|")[1] for row in rows())
