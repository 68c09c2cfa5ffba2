"""The manual has the reference that the code gives, word for word."""

from __future__ import annotations

from pathlib import Path

from revproxy.detection.rules import FIELDS
from revproxy.detection.sigyaml import vocabulary
from revproxy.detection.sigyaml.reference import reference
from revproxy.detection.transformations import TRANSFORMATIONS

MANUAL = Path(__file__).parents[3] / "docs" / "signatures.md"
TITLE = "\n## Reference\n"
REFRESH = "print(reference()) of revproxy.detection.sigyaml.reference is what belongs under ## Reference"


def test_the_manual_has_it() -> None:
    told = MANUAL.read_text("utf-8").partition(TITLE)[2]
    assert told.partition("###")[1] + told.partition("###")[2] == reference().rstrip("\n") + "\n", REFRESH


def test_it_names_all_there_is() -> None:
    text = reference()
    names = [*vocabulary.KEYS, *vocabulary.OPERATORS, *TRANSFORMATIONS, *vocabulary.SEVERITIES]
    names += [name for name in FIELDS if not name.endswith(".names")]
    assert [name for name in names if f"| `{name}` |" not in text] == []
