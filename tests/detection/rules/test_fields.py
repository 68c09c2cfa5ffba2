"""The field table: every row is consistent, the names of keyed fields are derived."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from revproxy.detection.rules.fields import FIELDS, FILLED, IN_PARTS, FieldClass, FieldSpec
from revproxy.model import Phase, Protocol

_NAME = re.compile(r"[a-z]+(\.[a-z]+)*\Z")
_SECLANG = re.compile(r"[A-Z_]+(:(/\*|//@\*)(_NAMES)?)?\Z")
OWN = {name: spec for name, spec in FIELDS.items() if spec.what != f"keys of `{name.removesuffix('.names')}`"}
DERIVED = {name: spec for name, spec in FIELDS.items() if name not in OWN}


@pytest.mark.parametrize("spec", FIELDS.values(), ids=FIELDS)
def test_a_row_is_consistent(spec: FieldSpec) -> None:
    assert FIELDS[spec.name] is spec
    assert _NAME.match(spec.name)
    assert spec.seclang == "" or _SECLANG.match(spec.seclang)
    assert isinstance(spec.klass, FieldClass)
    assert isinstance(spec.phase, Phase)
    assert spec.protocols
    assert spec.protocols <= set(Protocol)
    assert spec.what
    assert spec.what == spec.what.strip().rstrip(".")


@pytest.mark.parametrize("name", [name for name, spec in FIELDS.items() if spec.keyed])
def test_a_keyed_field_has_its_names(name: str) -> None:
    spec, names = FIELDS[name], FIELDS[f"{name}.names"]
    assert not names.keyed
    assert (names.klass, names.phase, names.protocols) == (spec.klass, spec.phase, spec.protocols)
    assert names.seclang in ("", f"{spec.seclang}_NAMES")


def test_variables_of_names() -> None:
    assert {spec.seclang: name for name, spec in FIELDS.items() if spec.seclang.endswith("_NAMES")} == {
        "ARGS_NAMES": "args.plain.names",
        "ARGS_GET_NAMES": "args.get.names",
        "ARGS_POST_NAMES": "args.post.names",
        "FILES_NAMES": "files.plain.names",
        "REQUEST_COOKIES_NAMES": "cookies.plain.names",
        "REQUEST_HEADERS_NAMES": "headers.written",
        "RESPONSE_HEADERS_NAMES": "reply.headers.written",
    }


def test_what_is_filled() -> None:
    assert set(OWN) == FILLED
    assert IN_PARTS < FILLED


def test_names_are_of_keyed_fields_only() -> None:
    assert {name.removesuffix(".names") for name in DERIVED} == {name for name, spec in OWN.items() if spec.keyed}
    assert all(name.endswith(".names") for name in DERIVED)


def test_a_seclang_variable_names_one_field() -> None:
    seen = Counter(spec.seclang for spec in FIELDS.values() if spec.seclang)
    assert {variable for variable, times in seen.items() if times > 1} == set()


def test_mail_has_no_answer_phase() -> None:
    """An answer is HTTP's; a message is judged before the inside sees its end."""
    for spec in FIELDS.values():
        if spec.phase in (Phase.REPLY_HEAD, Phase.REPLY_BODY):
            assert spec.protocols == {Protocol.HTTP}
        assert (spec.phase in (Phase.REPLY_HEAD, Phase.REPLY_BODY)) is (
            spec.name.split(".")[0] in ("status", "reply", "outbound")
        )


def test_each_class_and_each_protocol_has_fields() -> None:
    assert {spec.klass for spec in OWN.values()} == set(FieldClass)
    assert {protocol for spec in OWN.values() for protocol in spec.protocols} == set(Protocol)


@pytest.mark.parametrize(
    ("name", "seclang", "keyed", "protocols"),
    [
        ("args", "", True, {Protocol.HTTP}),
        ("args.plain", "ARGS", True, {Protocol.HTTP}),
        ("args.plain.names", "ARGS_NAMES", False, {Protocol.HTTP}),
        ("path", "", False, {Protocol.HTTP}),
        ("path.decoded", "REQUEST_FILENAME", False, {Protocol.HTTP}),
        ("body.raw", "REQUEST_BODY", False, {Protocol.HTTP}),
        ("headers", "REQUEST_HEADERS", True, {Protocol.HTTP, Protocol.SMTP}),
        ("reply.body", "RESPONSE_BODY", False, {Protocol.HTTP}),
        ("files.content", "FILES_TMP_CONTENT", True, {Protocol.HTTP, Protocol.SMTP}),
        ("subject", "", False, {Protocol.SMTP}),
    ],
)
def test_what_rules_are_written_against(name: str, seclang: str, keyed: bool, protocols: set[Protocol]) -> None:
    spec = FIELDS[name]
    assert (spec.seclang, spec.keyed, spec.protocols) == (seclang, keyed, protocols)


def test_rows_do_not_change() -> None:
    with pytest.raises(AttributeError):
        FIELDS["args"].klass = FieldClass.BODY
