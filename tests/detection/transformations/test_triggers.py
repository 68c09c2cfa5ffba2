"""Both matchers take every trigger (that none misses a change is tested beside the table of transformations)."""

from __future__ import annotations

import hyperscan
import pytest

from revproxy.detection.patterns import parse, separator_safe
from revproxy.detection.transformations.triggers import TRIGGERS

TEXTS = sorted({text for text in TRIGGERS.values() if text})


@pytest.mark.parametrize("text", TEXTS)
def test_hyperscan_takes_it(text: str) -> None:
    hyperscan.Database().compile(expressions=[text.encode()], ids=[0], flags=[hyperscan.HS_FLAG_DOTALL])


@pytest.mark.parametrize("text", TEXTS)
def test_it_can_be_joined_unless_it_is_about_nul(text: str) -> None:
    assert (separator_safe(parse(text)) is None) == (text == r"\x00")
