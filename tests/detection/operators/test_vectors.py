"""Every case of the SecLang language tests, where the corpora are at hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from revproxy.detection.operators import compile_operator
from revproxy.detection.rules import Operator

FOLDER = Path(__file__).parents[4] / "shared" / "corpora" / "seclang" / "operators"
LEFT_OUT = {
    "geoLookup": "needs a database of places",
    "rxGlobal": "neither CRS nor Coraza has it",
    "verifyCC": "neither CRS nor Coraza has it",
    "verifycpf": "neither CRS nor Coraza has it",
    "verifyssn": "neither CRS nor Coraza has it",
    "verifysvnr": "neither CRS nor Coraza has it",
}
REFUSED = {
    # parameters that the reference engine takes and we refuse when the rule is compiled
    ("rx", r"<\?(?!xml)"): "look-ahead",
    ("ipMatch", "10.0.0.0/100"): "no address or network",
}
_HEX = re.compile(rb"\\x([0-9A-Fa-f]{2})")


def value_of(text: str) -> bytes:
    return _HEX.sub(lambda m: bytes((int(m[1], 16),)), text.encode()).replace(b"\\0", b"\0")


def operator_of(name: str, parameter: str) -> Operator:
    if name != "pmFromFile":
        return Operator(name, parameter)
    lines = (FOLDER / "op" / Path(parameter).name).read_text("utf-8").splitlines()
    return Operator("pm", tuple(line for line in lines if line and not line.startswith("#")))


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"left out: no {FOLDER}")
def test_every_case() -> None:
    passed, failed = 0, []
    for path in sorted(FOLDER.glob("*.json")):
        if path.stem in LEFT_OUT:
            continue
        for case in json.loads(path.read_text("utf-8")):
            parameter = case.get("param") or ""
            refusal = REFUSED.get((path.stem, parameter))
            if refusal is not None:
                with pytest.raises(ValueError, match=refusal):
                    compile_operator(Operator(path.stem, parameter))
                continue
            operator = compile_operator(operator_of(path.stem, parameter))
            value = value_of(case["input"])
            good = operator(value) == bool(case["ret"])
            wanted = tuple(group.encode() for group in case.get("re_groups", ()))
            if wanted:
                good = good and (not case["ret"] or operator.groups(value)[: len(wanted)] == wanted)
            if good:
                passed += 1
            else:
                failed.append((path.stem, parameter, value, case["ret"]))
    assert not failed
    assert passed >= 3_800
