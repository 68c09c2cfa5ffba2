from __future__ import annotations

import json
from pathlib import Path

import pytest

from revproxy.detection.transformations import TRANSFORMATIONS

DATA = Path(__file__).parents[2] / "data" / "detection" / "transformations.json"


@pytest.mark.parametrize(("name", "value", "want"), json.loads(DATA.read_text("utf-8"))["digest"])
def test_cases(name: str, value: str, want: str) -> None:
    assert TRANSFORMATIONS[name](value.encode("latin-1")) == want.encode("latin-1")


def test_digests() -> None:
    assert TRANSFORMATIONS["md5"](b"").hex() == "d41d8cd98f00b204e9800998ecf8427e"
    assert TRANSFORMATIONS["sha1"](b"").hex() == "da39a3ee5e6b4b0d3255bfef95601890afd80709"
