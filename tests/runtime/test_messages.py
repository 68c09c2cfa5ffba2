from __future__ import annotations

import logging
import re

import pytest

from revproxy.runtime.messages import configure


@pytest.fixture(autouse=True)
def _restore():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield
    root.handlers[:], root.level = handlers, level


def test_one_line_a_record(capsys):
    configure("info", "worker 1.0")
    logging.getLogger("revproxy.x").warning("a\n  b\nc")
    said = capsys.readouterr().err
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING worker 1\.0 revproxy\.x: a \| b \| c\n", said
    )


@pytest.mark.parametrize(("level", "lines"), [("debug", 2), ("info", 1), ("error", 0), ("loud", 1)])
def test_levels(capsys, level, lines):
    configure(level, "supervisor")
    logging.debug("d")
    logging.info("i")
    assert len(capsys.readouterr().err.splitlines()) == lines
