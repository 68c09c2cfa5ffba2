from functools import partial

from builders import condition, rule, simple
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.detection.engine.chains import ChainTable
from revproxy.detection.engine.joining import GroupScanner, keyed_items
from revproxy.detection.engine.shared import Shared
from revproxy.detection.link import link
from revproxy.detection.link.linker import KEYED
from revproxy.detection.rules import Target

RULES = [
    simple("whole", "^foo$"),
    simple("begin", r"\Aab"),
    simple("end", r"b\z"),
    simple("line", "^b"),
    simple("word", r"\bfoo\b", chain=["urlDecodeUni"]),
    simple("empty", r"\A\z"),
    simple("nul", r"a\x00b"),
    simple("any", "a[^x]b"),
    simple("lower", "FOO|foo", chain=["urlDecodeUni", "lowercase"]),
    rule("high", condition(["args"], ("validateUtf8Encoding", ""), chain=["removeNulls", "compressWhitespace"])),
]
RULESET = link(RULES)
SCANNER = GroupScanner(RULESET.groups[0], ChainTable(RULESET.groups[0]), partial(Shared(RULESET).scan, beside=False))
PIECES = [b"foo", b"FOO", b"a", b"b", b"\n", b"\0", b" ", b"%66oo", b"\xff", b"x", b"%00"]
values = st.lists(st.lists(st.sampled_from(PIECES), max_size=4).map(b"".join), max_size=6)


@settings(deadline=None)
@given(values)
def test_joined_finds_what_single_scans_find(given_values):
    alone = 0
    for value in given_values:
        alone |= SCANNER.items([value])
    assert SCANNER.items(given_values) & alone == alone


def test_no_match_runs_over_a_border():
    names = {RULESET.rules[i.rule].id: p for p, i in enumerate(RULESET.groups[0].items)}
    found = SCANNER.items([b"xa", b"b", b"c"])
    assert not found >> names["any"] & 1
    assert not found >> names["nul"] & 1
    assert found >> names["end"] & 1


def test_no_values_hit_nothing():
    assert SCANNER.items([]) == 0


def test_long_calm_and_rough_lists():
    calm = [b"plain text %d" % i for i in range(1000)]
    names = {RULESET.rules[i.rule].id: p for p, i in enumerate(RULESET.groups[0].items)}
    for extra, name in ((b"foo", "whole"), (b"%46oo", "lower"), (b"\xff", "high"), (b"a\0b", "nul")):
        assert SCANNER.items([*calm, extra]) >> names[name] & 1
    assert SCANNER.items(calm) == 0


def test_what_a_blind_transformation_leaves_as_it_was_is_scanned_all_the_same():
    ruleset = link([simple("length", "^1$", chain=["length"]), simple("then", "^b?$", chain=["base64DecodeExt"])])
    (group,) = ruleset.groups
    assert group.blind
    scanner = GroupScanner(group, ChainTable(group), partial(Shared(ruleset).scan, beside=False))
    assert scanner.items([b"1"], 0b01) == 0b01
    assert scanner.items([b"22"], 0b01) == 0
    assert scanner.items([b""], 0b10) == 0b10
    assert scanner.items([b"1"], 0b10) == 0b10
    assert scanner.items([b"1"]) == 0b11


def test_what_asks_for_certain_keys_is_not_scanned_for_in_other_values():
    host, agent = Target("headers", key=b"host"), Target("headers", pattern="^user-")
    keyed = [rule(f"k{at}", condition([(host, agent)[at % 2]], ("rx", "foo"))) for at in range(KEYED)]
    ruleset = link([rule("every", condition(["headers", "line"], ("rx", "bar"))), *keyed])
    (group,) = ruleset.groups
    assert keyed_items(group) == ((1 << KEYED) - 1) << 1
    assert group.unkeyed is not None
    assert group.unkeyed.joined in ruleset.keys
    scanner = GroupScanner(group, ChainTable(group), partial(Shared(ruleset).scan, beside=False))
    assert scanner.items([b"foo bar"], 0b1) == 0b1
    assert scanner.items([b"foo"], 0b11) == 0b10
    assert scanner.items([b"foo bar"]) == (1 << KEYED + 1) - 1
    (few,) = link([rule("every", condition(["headers"], ("rx", "bar"))), *keyed[1:]]).groups
    assert few.unkeyed is None
    assert keyed_items(few) == 0
