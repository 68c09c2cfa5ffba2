import pytest
from builders import condition

from revproxy.detection.link.chains import fold
from revproxy.detection.link.patterns import Pattern
from revproxy.detection.link.sieves import sieve

FOUND = (Pattern(b"a|b", None), Pattern(b"c", b"c"))


def made(operator, chain, patterns=FOUND, then=()):
    later = [condition(["matched"], (name, "")) for name in then]
    return sieve(condition(["args"], (operator, ""), chain=chain), fold(tuple(chain)), patterns, later)


def test_patterns_and_triggers():
    texts = made("detectSQLi", ["removeNulls", "compressWhitespace"])
    assert texts[:2] == (b"a|b", b"c")
    assert len(texts) == 4
    assert made("detectXSS", []) == (b"a|b", b"c")


def test_suggestive_patterns_with_a_structural_look_behind_them():
    assert made("rx", [], then=["detectSQL"]) == (b"a|b", b"c")
    assert made("rx", [], then=["rx", "detectShell"]) == (b"a|b", b"c")
    assert made("rx", [], then=["detectXSS"]) == ()
    assert made("rx", []) == ()
    assert made("pm", [], then=["detectSQL"]) == ()


@pytest.mark.parametrize(
    ("operator", "chain", "patterns"),
    [
        ("noMatch", [], FOUND),
        ("detectSQLi", ["length"], FOUND),
        ("detectSQLi", [], (Pattern(None, None, b"heavy"),)),
    ],
)
def test_where_there_is_none(operator, chain, patterns):
    assert made(operator, chain, patterns) == ()
