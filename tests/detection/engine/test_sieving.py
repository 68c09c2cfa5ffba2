from functools import partial

import pytest
from builders import condition, rule, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.detection.engine import Engine
from revproxy.detection.engine.executor import Program
from revproxy.detection.engine.shared import Shared
from revproxy.detection.engine.sieving import MANY, Sieves
from revproxy.detection.engine.state import Scene, State
from revproxy.detection.link import link
from revproxy.model import Phase

CHAIN = ["urlDecodeUni", "removeNulls", "lowercase"]
RULES = [
    rule("sqli", condition(["args"], ("detectSQLi", ""), chain=CHAIN)),
    rule("xss", condition(["args"], ("detectXSS", ""), chain=CHAIN)),
    rule("sql", condition(["args"], ("rx", "'"), chain=CHAIN), condition(["matched"], ("detectSQL", ""))),
]
RULESET = link(RULES)
PIECES = [
    *(b"1' or 1=1", b"-- ", b"union", b"%27", b" or ", b"<script>", b"%3csvg/onload=", b"\0", b"+", b"plain", b"4"),
    *(b"select 1 from x", b"'", b"a=b", b"onload=x", b"\xc3\xa9", b""),
]
values = st.lists(st.sampled_from(PIECES), max_size=3).map(b"".join)
many = st.lists(values, min_size=MANY, max_size=2 * MANY)


@pytest.fixture(scope="module")
def sieves():
    return Sieves(RULESET.sieves, partial(Shared(RULESET).scan, beside=False))


def test_which_conditions_have_one(sieves):
    assert set(RULESET.sieves) == {(0, 0), (1, 0), (2, 0)}
    assert set(RULESET.sieves.values()) <= RULESET.keys
    assert not link([rule("r", condition(["args"], ("rx", "x")))]).sieves
    assert not link([rule("r", condition(["args"], ("detectSQLi", ""), chain=["md5"]))]).sieves


def test_what_is_left(sieves):
    plain = [b"plain %d" % number for number in range(MANY)]
    assert sieves.left((0, 0), [*plain, b"1' or 1=1"]) == [MANY]
    assert sieves.left((0, 0), plain) == []


def test_few_values_or_another_place_are_not_known(sieves):
    assert sieves.knows((0, 0), MANY)
    assert not sieves.knows((0, 0), MANY - 1)
    assert not sieves.knows((7, 0), MANY)


@settings(deadline=None)
@given(many)
def test_a_rule_accepts_the_same_with_a_sieve_and_without(sieves, given_values):
    fields = transaction(args=given_values).fields
    for at, one in enumerate(RULES):
        without = Program(one, at).steps[0].accept(Scene(b"", fields, State({})), ())
        wanted = [(a.key, a.value) for a in without]
        step = Program(one, at).steps[0]
        # The second time it knows what the first one refused.
        for _ in range(2):
            assert [(a.key, a.value) for a in step.accept(Scene(b"", fields, State({}), sieves), ())] == wanted


def test_the_engine_uses_it():
    counting = rule("n", condition(["args"], ("detectSQLi", ""), chain=CHAIN))
    tx = transaction(args=[*[b"plain"] * (2 * MANY), b"1' or 1=1", b"2' or 2=2"])
    Engine(link([counting])).inspect(tx, Phase.HEAD, Phase.BODY)
    assert [f.value for f in tx.findings] == [b"1' or 1=1"]


@settings(deadline=None)
@given(values)
def test_what_is_tried_behind_a_look_gives_the_same_answer(sieves, value):
    for place in RULESET.sieves:
        confirms = Program(RULESET.rules[place[0]], place[0]).steps[place[1]].confirms
        assert sieves.before(place, confirms)(value) == confirms(value)
