"""The threat model names tests that exist, and every line of its tables names one."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs" / "threat-model.md").read_text()
NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


def test_the_tests_that_are_named_exist():
    named = set(NAMED.findall(MODEL))
    assert len(named) >= 12
    for file, test in named:
        tree = ast.parse((ROOT / file).read_text())
        assert test in {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }


def test_every_line_names_one():
    lines = MODEL.splitlines()
    heads = {lines[i - 1] for i, line in enumerate(lines) if line.startswith("| ---")}
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| ---") and line not in heads]
    assert len(rows) >= 12
    assert [row for row in rows if not NAMED.search(row)] == []
