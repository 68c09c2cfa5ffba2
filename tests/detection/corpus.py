"""The SecLang language tests of `../shared/corpora`, and the checked-in list of the cases that do not pass."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "shared" / "corpora" / "seclang"
DIFFERENCES = Path(__file__).parents[1] / "data" / "seclang" / "corpus-differences.tsv"
ABSENT = f"left out: no {FOLDER}"

_ESCAPE = re.compile(rb"\\(?:x([0-9A-Za-z]{2})|u([0-9A-Fa-f]{4}))")
Case = dict[str, Any]


def value_of(text: str) -> bytes:
    """The bytes that a case means: UTF-8, with the escapes of the test files."""

    def byte(match: re.Match[bytes]) -> bytes:
        # A pair that is no number stands for some byte, the same one in input and output.
        digits = re.match(rb"[0-9A-Fa-f]*", match[1] or match[2])
        assert digits is not None
        return bytes((int(digits[0] or b"0", 16) & 0xFF,))

    return _ESCAPE.sub(byte, text.encode())


def differences(kind: str) -> dict[tuple[str, int], str]:
    """By name and number (from 1) of a case of this kind: what happens instead of what it wants."""
    rows = [line.split("\t") for line in DIFFERENCES.read_text("utf-8").splitlines() if not line.startswith("#")]
    return {(name, int(number)): what for where, name, number, what, _ in rows if where == kind}


def run(kind: str, left_out: dict[str, str], verdict: Callable[[str, Case], str]) -> None:
    """Every case. `verdict` says `pass`, or what happened instead, which the list has to say too."""
    listed = differences(kind)
    wrong: list[str] = []
    total = [0, 0]
    for path in sorted((FOLDER / kind).glob("*.json")):
        cases = json.loads(path.read_text("utf-8"))
        if path.stem in left_out:
            print(f"{path.stem}: {len(cases)} left out, {left_out[path.stem]}")
            continue
        told = {n: verdict(path.stem, case) for n, case in enumerate(cases, 1)}
        passed = sum(what == "pass" for what in told.values())
        print(f"{path.stem}: {passed} of {len(cases)}")
        total = [total[0] + passed, total[1] + len(cases)]
        for number, what in told.items():
            if what != listed.pop((path.stem, number), "pass"):
                wrong.append(f"{path.stem} {number}: {what}, {cases[number - 1]}")
    print(f"{kind}: {total[0]} of {total[1]}")
    assert not wrong
    assert not listed, "these cases of the list are not there"
