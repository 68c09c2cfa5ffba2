from __future__ import annotations

import json
from pathlib import Path

import pytest

from revproxy.detection.transformations import TRANSFORMATIONS

DATA = Path(__file__).parents[2] / "data" / "detection" / "transformations.json"


@pytest.mark.parametrize(("name", "value", "want"), json.loads(DATA.read_text("utf-8"))["parity"])
def test_cases(name: str, value: str, want: str) -> None:
    assert TRANSFORMATIONS[name](value.encode("latin-1")) == want.encode("latin-1")
