"""Every operator beside the reference engine, over generated values; the classes of difference are listed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.detection.operators import FILE_OPERATORS, OPERATORS, compile_operator, with_content
from revproxy.detection.operators.numbers import number
from revproxy.detection.rules import Operator

HERE = Path(__file__).parents[1]

ARGUMENTS: dict[str, list[str]] = {
    "beginsWith": ["ab", "é"],
    "contains": ["ab", "é"],
    "containsWord": ["ab", "a b", "é", "1"],
    "detectSQLi": [""],
    "detectShell": [""],
    "detectSQL": [""],
    "detectTemplate": [""],
    "detectXSS": [""],
    "endsWith": ["ab", "é"],
    "eq": ["0", "5", "-5", "x", "2147483647", "2147483648"],
    "ge": ["0", "5", "2147483648", "9223372036854775807"],
    "gt": ["0", "5", "99999999999999999999"],
    "ipMatch": ["192.0.2.1", "10.0.0.0/8,::1", "192.0.2.0/24,2001:db8::/32"],
    "le": ["0", "5", "-99999999999999999999"],
    "lt": ["0", "5", "x"],
    "noMatch": [""],
    "pm": ["ab", "ab abc b", "AB é", r"a\;b \\", "|4142| x|41|y"],
    "rx": ["a(b)?(c)?", "(?i)é|AB", r"\xc3|\s$", "(a)|(b)"],
    "rxGlobal": ["a(b)?", "(a)|(b)"],
    "streq": ["ab", "é"],
    "strmatch": ["ab", "é"],
    "unconditionalMatch": [""],
    "validateByteRange": ["97-98", "32,97-98,10", "0-255", "1-255", "0"],
    "validateUrlEncoding": [""],
    "validateUtf8Encoding": [""],
    "verifyCC": [r"\d{13,16}", r"(?:^|[^\d])(\d+)(?:[^\d]|$)"],
    "verifyCPF": [r"[0-9.-]{11,14}", r"\d+"],
    "verifySSN": [r"\d{3}-?\d{2}-?\d{4}", r"\d+"],
    "verifySVNR": [r"[0-9]{4} ?[0-9]{6}", r"\d+"],
    "within": ["ab,cd ab", "é"],
}
OURS_ALONE = {
    **dict.fromkeys(("detectShell", "detectSQL", "detectTemplate"), "nobody's"),
    **dict.fromkeys(("restpath", "validateNid"), "Coraza's"),
}
CASES = [(name, argument) for name, arguments in ARGUMENTS.items() for argument in arguments]


def _over_32_bits(argument: str, value: bytes) -> bool:
    return any(abs(number(text)) >= 2**31 - 1 for text in (argument.encode(), value))


DIFFERENCES: dict[str, Callable[[str, bytes], bool]] = {
    # Whatever does not fit 32 bits equals 0 there.
    "eq": _over_32_bits,
    # An address ends at a NUL there; one that wraps an IPv4 address counts as that here only.
    "ipMatch": lambda _, value: b"\0" in value or b"::ffff:" in value.lower(),
    # Ten times 8 or 9 is a number there: the last two of its list are never looked at.
    "verifySVNR": lambda _, value: b"8" * 10 in value or b"9" * 10 in value,
}
"""For which arguments and values the answers may differ."""

CAPTURES_OTHERWISE = {
    # The phrase as the rule has it, of several the one that ends first; here the longest one, as the value has it.
    "pm",
    # The last candidate; here the first one.
    "verifyCPF",
    "verifySSN",
    "verifySVNR",
}

PIECES = [
    *b"a b c ab AB abc cd abab ; \\ a;b x y , / % %41 %4 %zz 5 0 -5 +5 - 1".split(),
    *b"192.0.2.1 ::1 2001:db8::1 10.1.1.1".split(),
    *(b"::ffff:10.0.0.1 <script> ' or 1=1-- 12345678901234567890 2147483647 2147483648 5484605089158216".split(b" ")),
    *(b"574-57-8065 574578065 123456789 010.817.514-60 01081751460 1237 010180 1237010180 8888888888".split(b" ")),
    *(
        b"\xc3",
        b"\xff",
        b"\xa0",
        b"\xc3\xa9",
        b"\0",
        b"\n",
        b"\r\n",
        b" ",
        b"\t",
        b"\v",
        b"\xc3\x89",
        b"\xe9",
        b"\xed\xa0\x80",
    ),
]
VALUES = st.one_of(st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join), st.binary(max_size=10))


def test_every_operator_is_tried() -> None:
    assert ARGUMENTS.keys() | OURS_ALONE.keys() == OPERATORS.keys()


@pytest.mark.parametrize(("name", "argument"), CASES)
def test_as_the_reference_does_it(name: str, argument: str) -> None:
    ours, theirs = compile_operator(Operator(name, argument)), reference.operator(name, argument)

    @settings(max_examples=250, deadline=None)
    @given(VALUES)
    def check(value: bytes) -> None:
        if DIFFERENCES.get(name, lambda *_: False)(argument, value):
            return
        want = theirs(value)
        assert ours(value) is (want is not None)
        if want is not None and name not in CAPTURES_OTHERWISE:
            got = ours.groups(value)
            assert got + (None,) * (10 - len(got)) == want

    check()


@pytest.mark.parametrize(("name", "argument"), CASES)
def test_one_that_captures_captures_of_what_it_accepts_and_of_nothing_else(name: str, argument: str) -> None:
    ours = compile_operator(Operator(name, argument))
    captures = ours.captures
    if captures is None:
        return

    @settings(max_examples=250, deadline=None)
    @given(VALUES)
    def check(value: bytes) -> None:
        assert bool(captures(value)) is ours(value)

    check()


@pytest.mark.parametrize(
    ("name", "argument", "value", "ours", "theirs"),
    [
        ("eq", "0", b"4294967297", False, True),
        ("ipMatch", "10.0.0.0/8", b"10.1.1.1\0x", False, True),
        ("ipMatch", "10.0.0.0/8", b"::ffff:10.1.1.1", True, False),
        ("ipMatch", "::ffff:10.0.0.0/104", b"10.1.1.1", True, False),
        ("verifySVNR", r"\d+", b"9999999999", False, True),
        # Every rest of the value is tried by itself there, so that `\b` and `^` hold in the middle.
        ("verifySSN", r"\b\d{9}\b", b"1574578065", False, True),
        # Nothing is too long for a number there.
        ("verifyCC", r"(?:^|[^\d])\d+$", b"5484605089158216" + b"0" * 200, False, True),
        # Blanks in hexadecimal part phrases there, and a white byte never is part of one.
        ("pm", "|61 62|", b"ab", True, False),
        ("pm", "x|0a|", b"x\n", True, True),
        ("pm", "x|0a|", b"x", False, True),
        ("pm", "|ff|", b"\xff", True, False),
    ],
)
def test_differences_are_still_there(name: str, argument: str, value: bytes, ours: bool, theirs: bool) -> None:
    assert compile_operator(Operator(name, argument))(value) is ours
    assert (reference.operator(name, argument)(value) is not None) is theirs


@pytest.mark.parametrize(
    "name", ["beginsWith", "contains", "containsWord", "endsWith", "eq", "lt", "streq", "within"]
)
@pytest.mark.parametrize("value", [b"", b"a", b"0", b"\0"])
def test_an_argument_that_a_reference_left_empty(name: str, value: bytes) -> None:
    """`@streq %{tx.unset}`: the caller fills macros in, and may fill in nothing."""
    theirs = reference.operator(name, "%{tx.unset}")(value) is not None
    assert compile_operator(Operator(name, ""))(value) is theirs


CONTENT = b"# no\n  # no\n\nab\n  lead\ntrail  \n|41 42|\na#b\n#x\ntwo words\nUPPER\n\ttab\n   \n\xc3\xa9\nlast"
ADDRESSES = b"# no\n\n192.0.2.1\n10.0.0.0/8,2001:db8::/32\n198.51.100.7"


@pytest.mark.parametrize(("name", "content"), [("pmFromFile", CONTENT), ("ipMatchFromFile", ADDRESSES)])
def test_files_are_read_as_the_reference_reads_them(name: str, content: bytes, tmp_path: Path) -> None:
    assert name in FILE_OPERATORS
    path = tmp_path / "content.data"
    path.write_bytes(content)
    ours = compile_operator(with_content(Operator(name, str(path)), content))
    words = content.replace(b",", b"\n").split(b"\n")
    more = (b"10.9.9.9", b"no", b" ", b"# no")
    values = sorted({*words, *(w.strip() for w in words), *(w.lower() for w in words), *more})
    assert [ours(value) for value in values] == accepted_apart(name, path, values)


def accepted_apart(name: str, path: Path, values: list[bytes]) -> list[bool]:
    """What the reference accepts, in a process of its own: beside a loaded Hyperscan its reader of address files
    crashes."""
    asked = f"import reference, sys\nrun = reference.operator({name!r}, {str(path)!r})\n"
    asked += f"print([run(value) is not None for value in {values!r}])"
    run = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, cwd=HERE, timeout=60)
    assert run.returncode == 0, run.stderr
    return list(ast.literal_eval(run.stdout))
