"""Every case of the SecLang language tests, where the corpora are at hand."""

from __future__ import annotations

import corpus
import pytest

from revproxy.detection.transformations import TRANSFORMATIONS

LEFT_OUT = {"phpArgsNames": "neither a release of ModSecurity 3 nor Coraza has it"}


def verdict(name: str, case: corpus.Case) -> str:
    got = TRANSFORMATIONS[name](corpus.value_of(case["input"]))
    return "pass" if got == corpus.value_of(case["output"]) else "output"


@pytest.mark.skipif(not corpus.FOLDER.is_dir(), reason=corpus.ABSENT)
def test_every_case() -> None:
    corpus.run("transformations", LEFT_OUT, verdict)
