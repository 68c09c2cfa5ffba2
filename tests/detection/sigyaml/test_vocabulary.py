import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.operators import OPERATORS as RUNNING
from revproxy.detection.rules import FIELDS, Target
from revproxy.detection.sigyaml import vocabulary as words


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("args", Target("args")),
        ("args.names", Target("args.names")),
        ("headers:User-Agent", Target("headers", key=b"user-agent")),
        ("headers:/^x-/", Target("headers", pattern="^x-")),
        ("!headers:cookie", Target("headers", key=b"cookie", exclude=True)),
        ("count(args)", Target("args", count=True)),
        ("count(headers:host)", Target("headers", key=b"host", count=True)),
    ],
)
def test_selectors(text, target):
    assert words.target(text) == target


@pytest.mark.parametrize("text", ["", "arg", "!", "args:", "path:x", "headers:/(/", "!count(args)", "count(x)"])
def test_no_selectors(text):
    with pytest.raises(words.Misread):
        words.target(text)


@given(st.text(max_size=30))
def test_any_selector(text):
    try:
        field = words.target(text).field
    except words.Misread:
        return
    assert field in FIELDS


@pytest.mark.parametrize("text", ["0-255", "9,10,32-126", "9, 10", "7"])
def test_ranges(text):
    assert words.ranges(text) == text.replace(" ", "")


@pytest.mark.parametrize("text", ["", "256", "9-5", "a", "1,,2", "1-", "-1"])
def test_no_ranges(text):
    with pytest.raises(words.Misread):
        words.ranges(text)


def test_every_operator_of_the_language_runs():
    assert set(words.OPERATORS) <= set(RUNNING)


@pytest.mark.parametrize("text", ["CWE-89", "CAPEC-66", "CVE-2021-44228"])
def test_references(text):
    assert words.REFERENCE.match(text)


@pytest.mark.parametrize("text", ["cwe-89", "CWE-", "CVE-21-1", "CWE-89 ", "CWE-89\n", "OWASP-1"])
def test_no_references(text):
    assert not words.REFERENCE.match(text)
