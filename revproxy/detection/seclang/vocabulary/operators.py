"""Operators: which need an argument, and which of them are there. All of ModSecurity 3 and Coraza are here.

A table, no logic. `why` says what to use instead of an operator that is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from revproxy.detection.seclang.vocabulary.status import Status


@dataclass(frozen=True, slots=True)
class OperatorSpec:
    """One row. `argued`: it makes no sense without an argument."""

    name: str
    argued: bool
    status: Status
    why: str = ""


_ARGUED = """
    beginsWith contains containsWord endsWith eq ge gt ipMatch ipMatchFromDataset ipMatchFromFile le lt pm
    pmFromDataset pmFromFile restpath rx rxGlobal streq strmatch validateByteRange validateNid verifyCC verifyCPF
    verifySSN verifySVNR within
"""
_PLAIN = """
    detectSQLi detectXSS noMatch unconditionalMatch validateUrlEncoding validateUtf8Encoding
"""

_REFUSED: tuple[tuple[str, str], ...] = (
    ("fuzzyHash", "files are not compared by likeness: list their digests with @pmFromFile after t:sha1,t:hexEncode"),
    ("geoLookup", "there is no geographic database: match addresses with @ipMatchFromFile"),
    ("gsbLookup", "nothing is looked up while a request waits: list the names with @pmFromFile"),
    ("inspectFile", "no program runs while a request waits: match FILES_TMP_CONTENT with @pmFromFile"),
    ("rbl", "nothing is looked up while a request waits: list the addresses with @ipMatchFromFile"),
    ("rsub", "bodies are never written to"),
    ("validateDTD", "XML with a DTD is refused before any rule runs"),
    ("validateHash", "links are not signed"),
    ("validateSchema", "XML is not held against a schema"),
)

_ROWS = (
    *(OperatorSpec(name, True, Status.HONOURED) for name in _ARGUED.split()),
    *(OperatorSpec(name, False, Status.HONOURED) for name in _PLAIN.split()),
    *(OperatorSpec(name, False, Status.REFUSED, why) for name, why in _REFUSED),
)

SAME = {"ipMatchF": "ipMatchFromFile", "pmf": "pmFromFile"}
"""Other names of an operator."""

OPERATORS: dict[str, OperatorSpec] = {row.name.lower(): row for row in _ROWS}
OPERATORS |= {other.lower(): OPERATORS[name.lower()] for other, name in SAME.items()}
"""By name in lower case: operators are compared without case."""
