"""Variables to fields: the one place that knows which field a SecLang variable is."""

from __future__ import annotations

from revproxy.detection.operators import ArgumentError
from revproxy.detection.operators.rx import rx
from revproxy.detection.rules import (
    FIELDS,
    IDENTITY,
    MATCHED,
    MATCHED_NAME,
    MATCHED_NAMES,
    MATCHED_ONE,
    VARIABLES,
    Target,
)
from revproxy.detection.seclang.lower.errors import Problem
from revproxy.detection.seclang.tree import Reference, Text, Variable

_BY_VARIABLE = {spec.seclang: spec.name for spec in FIELDS.values() if spec.seclang}
_BY_VARIABLE |= {
    "TX": VARIABLES,
    "MATCHED_VARS": MATCHED,
    "MATCHED_VARS_NAMES": MATCHED_NAMES,
    "MATCHED_VAR": MATCHED_ONE,
    "MATCHED_VAR_NAME": MATCHED_NAME,
    "UNIQUE_ID": IDENTITY,
    "PATH_INFO": "path.decoded",
    # 0 as well: what they tell of is refused before any rule runs.
    "ARGUMENTS_LIMIT_REACHED": _BY_VARIABLE["INBOUND_DATA_ERROR"],
    "URI_PARSE_ERROR": _BY_VARIABLE["INBOUND_DATA_ERROR"],
    "REQBODY_PROCESSOR_ERROR": "body.failed",
    "REQBODY_PROCESSOR_ERROR_MSG": "body.error",
}
_PARTS = ("DAY", "EPOCH", "HOUR", "MIN", "MON", "SEC", "WDAY", "YEAR")
_KEYED: dict[str, tuple[str, bytes]] = {
    "TIME": ("time", b"time"),
    **{f"TIME_{part}": ("time", part.lower().encode()) for part in _PARTS},
}
"""Variables that are one key of a field."""
_XPATHS = {path: _BY_VARIABLE[f"XML:{path.decode()}"] for path in (b"/*", b"//@*")}
_FLAG = "MULTIPART_"


def place_of(variable: str, key: bytes | None) -> tuple[str, bytes | None]:
    """(field, key) of a variable and its key. Raises Problem for one that nobody fills."""
    if variable == "XML":
        return _xml(key)
    if variable in _KEYED:
        name, fixed = _KEYED[variable]
        return _known(name, variable), fixed
    if variable in _BY_VARIABLE:
        return _BY_VARIABLE[variable], key.lower() if key is not None else None
    if variable.startswith(_FLAG):
        return _known("multipart.errors", variable), variable[len(_FLAG) :].lower().encode()
    raise Problem(f"the variable {variable} is not there yet")


def _known(field: str, variable: str) -> str:
    if field not in FIELDS:
        raise Problem(f"the variable {variable} is not there yet")
    return field


def _xml(key: bytes | None) -> tuple[str, bytes | None]:
    if key is None:
        return _XPATHS[b"/*"], None
    if key not in _XPATHS:
        raise Problem("the only paths into XML are `/*` and `//@*`")
    return _XPATHS[key], None


def target_of(variable: Variable) -> Target:
    """The target that an item of a list of variables is. Raises Problem."""
    field, key = place_of(variable.name, variable.key)
    pattern = _pattern(variable.pattern) if variable.pattern is not None else None
    return Target(field, key, pattern, variable.count, variable.exclude)


def _pattern(text: Text) -> str:
    pattern = text.value.decode("utf-8", "surrogateescape")
    try:
        rx(pattern)
    except ArgumentError as error:
        raise Problem(error.message, where=text.at(error.offset or 0)) from error
    return pattern


def place_of_reference(reference: Reference) -> tuple[str, bytes | None]:
    """(field, key) that a reference means. Raises Problem."""
    return place_of(reference.variable, reference.key)
