"""Proposals as text that is a patch, too, and as JSON; nothing of a record ends a line."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from revproxy.app.proposing import Demands, Denials, as_json, as_text, left_out, unread
from revproxy.app.proposing.choosing import Policies, choose
from revproxy.app.proposing.patching import Tuned
from revproxy.errors import ConfigError, Location

from .conftest import HOUR, Make

PATCH = "--- a\n+++ a\n@@ -1 +1 @@\n-a\n+b\n"


@pytest.fixture
def tuned(denials: Make) -> Tuned:
    some = [
        *denials(6, message="an attack", excerpt="evil\n--- a\n+++ a\x1b[31m\u202e"),
        *[one for n in range(3) for one in denials(9, key=f"k{n}", client="203.0.113.66")],
    ]
    found = choose(some, Demands(5, 3, HOUR), Policies(), {"shop": "/"}).proposals
    return Tuned(found, frozenset({found[0].id}), PATCH, Counter({"no reason": 3}), ("x: wrong",))


def test_text(tuned: Tuned) -> None:
    text = as_text(tuned)
    told, patch = text[: -len(PATCH)], text[-len(PATCH) :]
    assert patch == PATCH
    assert all(line.startswith("#") and line.isprintable() for line in told.splitlines())
    first, second = tuned.proposals
    assert f"# {first.id} in the patch: route shop below /search, args:q" in told
    assert "#   rests on 6 denied, of 6 clients in 6 networks, over 5 hours (1970-01-01T00:00Z to" in told
    assert "#   would let pass 6 by itself, 6 with the others" in told
    assert "GET shop.example/search?q=x | args:q: evil\\n--- a" in told
    assert f"# {second.id} NOT in the patch" in told
    assert "#   DOUBT: one client" in told
    assert "a pattern for 3 keys that differ in digits only" in told
    assert '{rules: [one], fields: ["args:/^k[0-9]+$/"], path: /search, reason:' in told


def test_nothing() -> None:
    assert as_text(Tuned(())) == "# nothing to propose\n"


def test_json(tuned: Tuned) -> None:
    told = json.loads(as_json(tuned, Denials(records=7, beyond=1, wrong=Counter({"bad": 2}))))
    assert (told["patch"], told["left"], told["refused"]) == (PATCH, {"no reason": 3}, ["x: wrong"])
    assert (told["records"], told["denials"], told["beyond"], told["unread"]) == (7, 0, 1, {"bad": 2})
    first, second = told["proposals"]
    assert (first["in_patch"], first["marks"], first["clients"], first["keys"]) == (True, [], 6, None)
    assert (second["in_patch"], second["marks"], second["keys"]) == (False, ["one client"], 3)
    assert first["examples"][0]["target"] == "/search?q=x"


def test_what_was_not_read_and_what_nothing_came_of(tuned: Tuned) -> None:
    read = Denials(beyond=4)
    read.note(ConfigError("bad", Location("a", 1)))
    read.note(ConfigError("bad", Location("a", 2)))
    assert list(unread(read)) == [
        "a:1: bad",
        "a:2: bad",
        "2 times: bad",
        "4 findings were not looked at, because there are too many: use --since",
    ]
    assert list(left_out(tuned)) == ["3 findings without a proposal: no reason", "not proposed: x: wrong"]
