"""What is read, and what is refused and where."""

from __future__ import annotations

import pytest
import re2

from revproxy.detection.patterns import Flags, PatternError, parse, parser, to_re2

WRONG = [
    (r"ab(?=c)", 2, "look-ahead"),
    (r"<\?(?!xml)", 3, "negative look-ahead"),
    (r"(?<=a)b", 0, "look-behind"),
    (r"(?<!a)b", 0, "negative look-behind"),
    (r"(?>a+)b", 0, "atomic"),
    (r"a++b", 2, "possessive"),
    (r"a{2}+", 4, "possessive"),
    (r"(a)\1", 3, "back reference"),
    (r"(?P<n>a)(?P=n)", 8, "back reference"),
    (r"(a)\k<n>", 3, "back reference"),
    (r"(a(?R)?)", 2, "recursion"),
    (r"(a(?1)?)", 2, "recursion"),
    (r"(?(1)a|b)", 0, "condition"),
    (r"(?|a|b)", 0, "branch reset"),
    (r"(*ACCEPT)", 0, "verb"),
    (r"a)b", 1, "'\\)' without"),
    (r"x(ab", 1, "'\\(' without"),
    (r"x[ab", 1, r"'\[' without"),
    (r"*a", 0, "nothing for"),
    (r"a**", 2, "nothing for"),
    (r"é{2,1}", 0, "wrong order"),
    (r"é[z-a]", 2, "range in the wrong order"),
    (r"[[:nope:]]", 1, "unknown class"),
    (r"\p{L}", 0, "Unicode"),
    (r"\x{100}", 0, "nothing above"),
    (r"\y", 0, "without a meaning"),
    ("ab\\", 2, "backslash at the end"),
    (r"[^\x00-\xff]", 0, "never matches"),
    (r"(?z)a", 0, "unknown kind"),
    (r"^*", 0, "anchor"),
    ("a{1}{1}{1}{1}{1}", 0, "too many"),
    ("(?:" * 300, 300, "inside each other"),
]

READ = [
    # pattern, value, the match or None
    (r"a.c", b"a\nc", b"a\nc"),
    (r"^b$", b"a\nb\nc", b"b"),
    (r"(?-m)^b$", b"a\nb\nc", None),
    (r"(?-m)^a$", b"a\n", b"a\n"),
    (r"a\Z", b"a\n", b"a\n"),
    (r"a\z", b"a\n", None),
    (r"\s", b"\x0b", b"\x0b"),
    (r"\v", b"\x85", b"\x85"),
    (r"\h", b"\xa0", b"\xa0"),
    (r"\x5", b"\x05", b"\x05"),
    (r"\x5g", b"\x05g", b"\x05g"),
    (r"\012", b"\n", b"\n"),
    (r"\cA", b"\x01", b"\x01"),
    (r"\R", b"\r\n", b"\r\n"),
    (r"(?i)Ab", b"aB", b"aB"),
    (r"a(?i)b|c", b"C", b"C"),
    (r"(?:(?i)a)b", b"AB", None),
    ("(?i)é", "É".encode("latin-1"), None),
    (r"(?x) a b # c", b"ab", b"ab"),
    (r"[]a]+", b"]a", b"]a"),
    (r"[^]a]", b"]ab", b"b"),
    (r"[a\-z]+", b"m-", b"-"),
    (r"[\w-]+", b"+a-", b"a-"),
    (r"[\d-z]+", b"5-y", b"5-"),
    (r"[\b]", b"\x08", b"\x08"),
    (r"[[:^alpha:]]", b"a1", b"1"),
    (r"[a-z&&b]+", b"&", b"&"),
    (r"a{,2}", b"a{,2}", b"a{,2}"),
    (r"a{x", b"a{x", b"a{x"),
    (r"a{1001}", b"a" * 1002, b"a" * 1001),
    (r"\Qa.b\E+", b"a.bb", b"a.bb"),
    (r"(?#note)a", b"a", b"a"),
    (r"(?<n>a)(?P<m>b)", b"ab", b"ab"),
    (r"a|", b"b", b""),
    (r"\/\<\>\"\é", '/<>"é'.encode(), '/<>"é'.encode()),
]


@pytest.mark.parametrize(("text", "offset", "message"), WRONG)
def test_refused(text: str, offset: int, message: str) -> None:
    with pytest.raises(PatternError, match=message) as caught:
        parse(text)
    assert caught.value.offset == offset


@pytest.mark.parametrize(("text", "value", "match"), READ)
def test_read(text: str, value: bytes, match: bytes | None) -> None:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    got = re2.compile(to_re2(parse(text)), options).search(value)
    assert (got and got.group(0)) == match


def test_flags_from_outside() -> None:
    assert parse("a", Flags(i=True)) == parse("[aA]")
    assert parse(b"\xff") == parse(r"\xff")


def test_a_tree_is_read_once_until_it_is_let_go() -> None:
    first = parse("remembered[0-9]")
    assert parse("remembered[0-9]") is first
    assert parse("remembered[0-9]", Flags(i=True)) is not first
    parser.forget()
    again = parse("remembered[0-9]")
    assert again is not first
    assert again == first
