"""Hyperscan is held against google-re2: a library that misses matches must not go unnoticed."""

import random

import hyperscan
import pytest
import re2

from revproxy.detection.link import soundness
from revproxy.detection.link.databases import FLAGS
from revproxy.errors import RuleError

PIECES = [
    *(r"[\x09-\x0d\x20]", r"[0-9A-Z_a-z]", r"[^\x00]", "[0-9]", r"[\x22\x27\x60]", "[a-z]", "[^a-z]"),
    *(
        r"[\x09-\x0d\x20\x28]",
        "[,;]",
        "[=!+]",
        "(?:and|x?or)",
        "(?i:select)",
        "@",
        r"\(",
        "=",
        "-",
        "a",
        "b",
        "ab",
        r"/\*",
    ),
]
REPEATS = ["", "", "", "*", "+", "?", "{1,4}", "{2,}"]
WORDS = b"a|b|ab|@|(|=|select|SELECT|and|or|1|9|,|;|'|\"|-|x|zzzz|_|/*|+|!|\t| |  ".split(b"|")
PATTERNS = 1500


def options():
    made = re2.Options()
    made.encoding = re2.Options.Encoding.LATIN1
    made.dot_nl = True
    made.log_errors = False
    return made


def test_hyperscan_finds_what_re2_finds():
    chance = random.Random(7)
    differing = []
    for _ in range(PATTERNS):
        pattern = "".join(
            chance.choice(PIECES) + chance.choice(REPEATS) for _ in range(chance.randint(2, 6))
        ).encode()
        database = hyperscan.Database()
        database.compile(expressions=[pattern], ids=[0], flags=[FLAGS])
        database.scratch = hyperscan.Scratch(database)
        exact = re2.compile(pattern, options())
        for _ in range(15):
            value = b"".join(chance.choices([*WORDS, b"qwertyuiop" * 4], k=chance.randint(3, 60)))
            found = []
            database.scan(value, lambda *match, found=found: found.append(match))
            if bool(found) != (exact.search(value) is not None):
                differing.append((pattern, value))
    assert differing == []


def test_probes_are_matches():
    for pattern, value in soundness.PROBES:
        assert re2.compile(pattern, options()).search(value) is not None


def test_the_installed_library_is_sound():
    soundness.check_library()


def test_a_library_that_misses_is_refused(monkeypatch):
    monkeypatch.setattr(soundness, "missed_probes", lambda: (b"x",))
    with pytest.raises(RuleError, match="misses matches"):
        soundness.check_library()
