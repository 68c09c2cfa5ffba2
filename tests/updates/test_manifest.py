from __future__ import annotations

import json

import pytest

from revproxy.errors import SupplyError
from revproxy.updates.manifest import MOST_BYTES, Kind, Manifest, content_of, digest_of, is_version, read_manifest

GOOD = Manifest(Kind.SIGNATURES, "ours", 3, "2026.11", content_of({"a.yaml": b"x"}))


def changed(**fields: object) -> bytes:
    return json.dumps(json.loads(GOOD.text()) | fields).encode()


def test_what_is_written_is_read():
    assert read_manifest(GOOD.text()) == GOOD
    assert str(GOOD) == f"ours 2026.11 (number 3, {GOOD.content[:12]})"


WRONG = [
    (b"", "no JSON"),
    (b"[" * 10_000, "no JSON"),
    (b"[]", "no JSON object"),
    (b" " * (MOST_BYTES + 1), "larger than"),
    (changed(format=2), "format 2; this program reads format 1"),
    (changed(kind="lua"), "'lua' is not a valid Kind"),
    (changed(kind=[]), "valid Kind"),
    (changed(name="../x"), "its name"),
    (changed(name=["ours"]), "its name"),
    (changed(version="1\n2"), "its version"),
    (changed(content="A" * 64), "its content"),
    (changed(number=0), "its number"),
    (changed(number=True), "its number"),
    (changed(number=2**53), "its number"),
    (changed(language=0), "its language"),
    (changed(language=2), "version 2 of its language; this program reads 1"),
    (changed(needs=["quantum"]), "needs what this program does not have: quantum"),
    (changed(needs=[3]), "its needs"),
    (changed(needs=3), "TypeError"),
    (json.dumps({"format": 1, "kind": "seclang"}).encode(), "KeyError"),
]


@pytest.mark.parametrize(("data", "why"), WRONG)
def test_what_is_no_manifest(data, why):
    with pytest.raises(SupplyError, match=why) as caught:
        read_manifest(data)
    assert caught.value.step == "manifest"


@pytest.mark.parametrize(
    ("good", "texts"),
    [(True, ("2026.11", "x" * 64, "4.28.0-rc1+a_b")), (False, ("", "a b", "1\n", "1\x1b[m", "x" * 65, "-1"))],
)
def test_versions(good, texts):
    assert {is_version(text) for text in texts} == {good}


def test_the_hash_is_of_names_and_contents():
    one = content_of({"a": b"1", "b": b"2"})
    assert one == content_of({"b": b"2", "a": b"1"})
    others = [{"a": b"1"}, {"a": b"12", "b": b""}, {"a": b"1", "c": b"2"}, {"a": b"1", "b": b"3"}]
    assert len({one, *map(content_of, others)}) == 5
    assert digest_of({}) == content_of({})
