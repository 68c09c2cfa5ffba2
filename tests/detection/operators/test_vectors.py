"""Every case of the SecLang language tests, where the corpora are at hand."""

from __future__ import annotations

from pathlib import Path

import corpus
import pytest

from revproxy.detection.operators import FILE_OPERATORS, OPERATORS, ArgumentError, compile_operator, with_content
from revproxy.detection.rules import Operator

LEFT_OUT = {"geoLookup": "needs a database of places"}
NAMES = {name.lower(): name for name in (*OPERATORS, *FILE_OPERATORS)}


def operator_of(name: str, parameter: str) -> Operator:
    operator = Operator(NAMES[name.lower()], parameter)
    if name not in FILE_OPERATORS:
        return operator
    return with_content(operator, (corpus.FOLDER / "operators" / "op" / Path(parameter).name).read_bytes())


def verdict(name: str, case: corpus.Case) -> str:
    try:
        operator = compile_operator(operator_of(name, case.get("param") or ""))
    except ArgumentError as error:
        return "refused" if error.offset is None else f"refused at {error.offset}"
    value = corpus.value_of(case["input"])
    if operator(value) != bool(case["ret"]):
        return "no match" if case["ret"] else "match"
    wanted = tuple(corpus.value_of(group) for group in case.get("re_groups", ()))
    if case["ret"] and operator.groups(value)[: len(wanted)] != wanted:
        return "captures"
    return "pass"


@pytest.mark.skipif(not corpus.FOLDER.is_dir(), reason=corpus.ABSENT)
def test_every_case() -> None:
    corpus.run("operators", LEFT_OUT, verdict)
