"""Every case of the SecLang language tests, where the corpora are at hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from revproxy.detection.transformations import TRANSFORMATIONS

FOLDER = Path(__file__).parents[4] / "shared" / "corpora" / "seclang" / "transformations"
LEFT_OUT = {
    "parityEven7bit": "neither CRS nor Coraza has it",
    "parityOdd7bit": "neither CRS nor Coraza has it",
    "parityZero7bit": "neither CRS nor Coraza has it",
    "phpArgsNames": "neither CRS nor Coraza has it",
}
MISTAKEN = {
    # A backslash before a NUL is no escape of digits, so the reference engine itself keeps both spaces after it.
    ("cssDecode", "\\\x00  string"),
}
_HEX = re.compile(rb"\\x([0-9A-Za-z]{2})")
_WIDE = re.compile(rb"\\u([0-9A-Fa-f]{4})")


def value_of(text: str) -> bytes:
    """The bytes that a case means: UTF-8, with the escapes of the test files."""

    def pair(match: re.Match[bytes]) -> bytes:
        # A pair that is no number stands for some byte, the same one in input and output.
        digits = re.match(rb"[0-9A-Fa-f]*", match[1])[0] or b"0"
        return bytes((int(digits, 16),))

    return _WIDE.sub(lambda m: bytes((int(m[1], 16) & 0xFF,)), _HEX.sub(pair, text.encode()))


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"left out: no {FOLDER}")
def test_every_case() -> None:
    passed, failed = 0, []
    for path in sorted(FOLDER.glob("*.json")):
        if path.stem in LEFT_OUT:
            continue
        function = TRANSFORMATIONS[path.stem]
        for case in json.loads(path.read_text("utf-8")):
            if any(path.stem == name and case["input"].endswith(end) for name, end in MISTAKEN):
                continue
            got, want = function(value_of(case["input"])), value_of(case["output"])
            if got == want:
                passed += 1
            else:
                failed.append((path.stem, case["input"], got, want))
    assert not failed
    assert passed >= 300
