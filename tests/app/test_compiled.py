"""The data path as machine code: what is compiled, and that it does the same (docs/decisions/0009-compiled.md)."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from revproxy.app.compiled import compiled
from revproxy.detection.engine import engine

ROOT = Path(__file__).resolve().parents[2]
CODE = ["revproxy", "tests", "bench", "signatures", "config", "docs", "docker", "packaging"]
ROOMS = ["tests/detection/engine", "tests/protocols/http1", "tests/proxy/http"]


def data_path() -> list[str]:
    """The modules that `setup.py` names, as paths."""
    tree = ast.parse((ROOT / "setup.py").read_text("utf-8"))
    tables = [s.value for s in tree.body if isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == "DATA_PATH"]
    return [f"{room}/{name}.py" for room, names in ast.literal_eval(tables[0]).items() for name in names]


def test_it_follows_from_the_engine() -> None:
    assert compiled() is (not str(engine.__file__).endswith(".py"))


@pytest.mark.parametrize("path", data_path())
def test_what_is_compiled_has_no_coroutine(path: str) -> None:
    """mypyc carries out some of them otherwise than Python does."""
    tree = ast.parse((ROOT / "revproxy" / path).read_text("utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]


@pytest.mark.timeout(900)
def test_compiled_it_does_the_same(tmp_path: Path) -> None:
    """The tests of the rooms on the data path, run on what was compiled."""
    why = lacking()
    if why:
        pytest.skip(why)
    for name in CODE:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    env = {**os.environ, "REVPROXY_COMPILE": "1", "CFLAGS": "-O0"}
    build = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    subprocess.run(build, cwd=tmp_path, env=env, check=True, capture_output=True)
    for path in data_path():
        assert list((tmp_path / "revproxy" / path).parent.glob(f"{Path(path).stem}.*.so")), path
    ask = "from revproxy.app.compiled import compiled; print(compiled())"
    told = subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, check=True, capture_output=True)
    assert told.stdout == b"True\n"
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ROOMS]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]


def lacking() -> str:
    """Why nothing can be compiled here; nothing when it can."""
    if shutil.which(os.environ.get("CC", "cc")) is None:
        return "no C compiler"
    if importlib.util.find_spec("mypyc") is None:
        return "mypy is not installed"
    include = Path(sysconfig.get_path("include")) / "Python.h"
    return "" if include.exists() else "no headers of this Python (python3-dev)"
