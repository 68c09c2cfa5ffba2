"""The demo's cases are what their titles say, and this file holds no test virus."""

from __future__ import annotations

import base64
import email
import email.policy
import io
import zipfile
from pathlib import Path

import pytest

from revproxy.demo import cases
from revproxy.demo.cases import DOMAIN, MAIL, WEB, MailCase, WebCase


def test_clean_and_hostile_of_both_kinds() -> None:
    assert len(WEB) + len(MAIL) >= 12
    for kind in (WEB, MAIL):
        assert {case.passes for case in kind} == {True, False}
    titles = [case.title for case in (*WEB, *MAIL)]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("case", WEB, ids=lambda case: case.title)
def test_a_request_can_be_written(case: WebCase) -> None:
    assert case.target.startswith("/")
    assert case.target.isascii()
    assert " " not in case.target
    assert bool(case.body) is (case.method == "POST") is ("Content-Type" in case.headers)
    if "boundary" in case.headers.get("Content-Type", ""):
        assert case.body.startswith(b"--b0undary\r\n")
        assert case.body.endswith(b"\r\n--b0undary--\r\n")


@pytest.mark.parametrize("case", MAIL, ids=lambda case: case.title)
def test_a_message_is_whole(case: MailCase) -> None:
    message = email.message_from_bytes(case.body, policy=email.policy.default)
    assert not any(part.defects for part in message.walk())
    assert case.body.count(b"\n") == case.body.count(b"\r\n") == case.body.count(b"\r")
    assert case.to.endswith(f"@{DOMAIN}") or case.title == "to a foreign domain"


def _attachments(title: str) -> dict[str, bytes]:
    [case] = [case for case in MAIL if case.title == title]
    message = email.message_from_bytes(case.body, policy=email.policy.default)
    return {str(part.get_filename()): part.get_payload(decode=True) for part in message.iter_attachments()}


def test_the_test_virus_is_in_its_attachments_only() -> None:
    # As its specification has it: 68 bytes.
    virus = base64.b64decode(
        "WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo="
    )
    assert _attachments("EICAR as attachment") == {"report.txt": virus}
    [(name, packed)] = _attachments("EICAR inside a zip").items()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert (name, archive.read("r.txt")) == ("r.zip", virus)
    assert virus not in Path(cases.__file__).read_bytes()
