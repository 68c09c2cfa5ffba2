"""The tree keeps its promises: every module that holds logic has its mirrored test, rooms stay free of forbidden
words, files stay small, Python's `re` is used on fixed patterns only."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "revproxy"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py"))
MOST_LINES = 400
WHOLE_ROOM = ("init.py", "vectors.py", "signatures.py", "reference.py", "manual.py")
"""Tests of a whole room rather than of a module: its table, vectors of cases, the shipped signatures through it, a
reference beside it, its manual."""
MOST_FUNCTION_LINES = 60


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def holds_logic(tree: ast.Module) -> bool:
    """Whether any function does more than declare: protocols and plain data need no test of their own."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return any(not all(isinstance(statement, ast.Expr) for statement in function.body) for function in functions)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_has_its_mirrored_test(path: Path) -> None:
    if not holds_logic(ast.parse(path.read_text("utf-8"))):
        return
    mirrored = ROOT / "tests" / path.relative_to(PACKAGE).parent / f"test_{path.name}"
    assert mirrored.exists(), f"{name(path)} has no {mirrored.relative_to(ROOT)}"
    assert "def test_" in mirrored.read_text("utf-8")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_is_small_and_says_what_it_is(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), f"{name(path)} does not say what it is"
    assert len(text.splitlines()) <= MOST_LINES
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MOST_FUNCTION_LINES, (
                f"{name(path)}: {node.name} is too long"
            )


def test_every_room_says_what_it_is() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{name(path)} does not say what it is"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_regular_expressions_are_fixed(path: Path) -> None:
    """Python's `re` backtracks: it is compiled once, at module level, from texts that stand in the source."""
    tree = ast.parse(path.read_text("utf-8"))
    inside = {
        call
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
    }
    for call in inside:
        function = call.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re":
            assert function.attr == "escape", f"{name(path)}:{call.lineno}: re.{function.attr} in a function"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_group_is_repeated_possessively(path: Path) -> None:
    """Python before 3.11.5 matches such a pattern wrongly; of a set of characters it does not."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "compile":
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str | bytes):
                    text = part.value if isinstance(part.value, str) else part.value.decode("latin-1")
                    bare = re.sub(r"\\.", "x", re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]", "x", text))
                    assert not re.search(r"\)(?:[*+?]|\{[0-9,]+\})\+", bare), f"{name(path)}:{part.lineno}"


def test_no_test_is_left_behind() -> None:
    """A test that mirrors nothing tests a module that is gone."""
    kept = {"bench", "e2e", "load", "fuzz", "data", "signatures", "oracle", "differential", "soak", "quality"}
    kept |= {"docker", "packaging"}
    for path in (ROOT / "tests").rglob("test_*.py"):
        parts = path.relative_to(ROOT / "tests").parts
        if len(parts) == 1 or parts[0] in kept:
            continue
        mirrored = PACKAGE.joinpath(*parts[:-1], re.sub(r"^test_", "", parts[-1]))
        package = mirrored.with_suffix("") / "__init__.py"
        whole = mirrored.name in (*WHOLE_ROOM, f"{mirrored.parent.name}.py") and mirrored.parent.is_dir()
        stray = not mirrored.exists() and not package.exists() and not whole
        assert not stray, f"{name(path)} mirrors nothing"
