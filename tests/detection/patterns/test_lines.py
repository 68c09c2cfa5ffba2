"""What each case means is in the tests of `rx`, beside the reference engine."""

from __future__ import annotations

import pytest

from revproxy.detection.patterns import max_length, parse, size, strict, to_re2


@pytest.mark.parametrize("text", ["a", "^a", r"^\s*a", "a$", r"\A\s*$", "(?-m)^$", "(?:^|,)a+", "^(?:a|b)+$"])
def test_patterns_that_need_nothing(text: str) -> None:
    assert strict(parse(text)) is None


def test_no_line_begins_at_the_end() -> None:
    assert strict(parse("^$")) == parse(r"\A$|^$[\x00-\xff]")
    assert strict(parse("(^)")) == parse(r"\A|^[\x00-\xff]")
    assert strict(parse(r"^\Z")) == parse(r"\A\Z|^\Z[\x00-\xff]|^$\n\z")
    assert strict(parse("^a?$")) == parse(r"^a$|\A$|^a?$[\x00-\xff]")


def test_loops() -> None:
    assert strict(parse("(?:^a?){2,3}")) == parse(r"(?:^a?){1,2}^a|(?:^a?)?^a\A|\A|(?:^a?){2,3}[\x00-\xff]")
    assert strict(parse("(?:^|a)*")) == parse(r"(?:^|a)*a||(?:^|a)*[\x00-\xff]")


def test_it_grows_little() -> None:
    tree = parse("^" + "(?:a|b)?" * 30 + "$")
    assert size(strict(tree)) < 40 * size(tree)
    deep = parse("(?:^|a" * 40 + ")?" * 40)
    assert len(to_re2(strict(deep))) < 100 * len(to_re2(deep))
    assert max_length(deep) is not None
