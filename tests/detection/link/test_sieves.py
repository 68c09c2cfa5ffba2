import pytest
from builders import condition

from revproxy.detection.link.chains import fold
from revproxy.detection.link.patterns import Pattern
from revproxy.detection.link.sieves import sieve

FOUND = (Pattern(b"a|b", None), Pattern(b"c", b"c"))


def made(operator, chain, patterns=FOUND):
    return sieve(condition(["args"], (operator, ""), chain=chain), fold(tuple(chain)), patterns)


def test_patterns_and_triggers():
    texts = made("detectSQLi", ["removeNulls", "compressWhitespace"])
    assert texts[:2] == (b"a|b", b"c")
    assert len(texts) == 4
    assert made("detectXSS", []) == (b"a|b", b"c")


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
