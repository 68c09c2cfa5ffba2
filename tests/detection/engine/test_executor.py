import pytest
from builders import condition, rule, transaction
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.engine.executor import EXCERPT_BYTES, Program, excerpt
from revproxy.detection.engine.state import Accepted, Scene, State
from revproxy.detection.operators import compile_operator
from revproxy.detection.rules import MATCHED, MATCHED_NAME, MATCHED_ONE, Operator, Reference, Target

TX = transaction(
    args={b"Name": b"Evil", b"other": b"good", b"list": b"a  b"},
    headers={b"host": b"example", b"x-one": b"1", b"x-two": b"2"},
    path=[b"/p"],
)
A = Target("args")
MATCH = Target(MATCHED)
CASES = [
    ("a key is compared without case", [condition([Target("args", key=b"name")], ("rx", "."))], (b"Name", b"Evil")),
    ("keys by pattern", [condition([Target("headers", pattern="^X-")], ("rx", "2"))], (b"x-two", b"2")),
    ("exclusion by key", [condition([A, Target("args", key=b"name", exclude=True)], ("rx", "g"))],
     (b"other", b"good")),
    ("exclusion of all", [condition([A, Target("args", exclude=True)], ("rx", "."))], None),
    ("other exclusion", [condition([A, Target("headers", exclude=True)], ("rx", "E"))], (b"Name", b"Evil")),
    ("a count", [condition([Target("headers", pattern="^x-", count=True)], ("eq", "2"))], (b"", b"2")),
    ("a count of what is missing", [condition([Target("cookies", count=True)], ("eq", "0"))], (b"", b"0")),
    ("names", [condition(["args.names"], ("streq", "other"))], (b"other", b"other")),
    ("transformations", [condition(["args"], ("streq", "evil"), chain=["lowercase"])], (b"Name", b"evil")),
    ("only the last form", [condition(["args"], ("streq", "Evil"), chain=["lowercase"])], None),
    ("steps", [condition(["args"], ("streq", "Evil"), chain=["lowercase"], every_step=True)], (b"Name", b"Evil")),
    ("any operator", [condition(["args"], ("streq", "no"), ("streq", "good"))], (b"other", b"good")),
    ("a negation", [condition(["path"], ("!streq", "/q"))], (b"", b"/p")),
    ("the same value", [condition(["args"], ("rx", "o|E")), condition([MATCH], ("!rx", "E"))], (b"other", b"good")),
    ("not the same value", [condition(["args"], ("rx", "E")), condition([MATCH], ("rx", "g"))], None),
    ("as transformed", [condition(["args"], ("rx", "e"), chain=["lowercase"]), condition([MATCH], ("rx", "^e"))],
     (b"Name", b"evil")),
    ("a conjunction is named by its first", [condition(["args"], ("rx", "g")), condition(["path"], ("rx", "p"))],
     (b"other", b"good")),
    ("a conjunction that fails", [condition(["args"], ("rx", "g")), condition(["path"], ("rx", "x"))], None),
]  # fmt: skip


@pytest.mark.parametrize(("conditions", "want"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_meaning(conditions, want):
    hit = Program(rule("r", *conditions)).run(Scene(b"", TX.fields, State({})))
    assert (hit and (hit.key, hit.value)) == want


@given(st.binary(max_size=2000), st.sampled_from(["a", "", "x\\z"]))
def test_excerpt_is_short_and_shows_the_match(value, pattern):
    operator = compile_operator(Operator("rx", pattern))
    got = excerpt(value, operator)
    assert len(got) <= EXCERPT_BYTES
    assert got in value
    if operator.test(value) and pattern == "a":
        assert b"a" in got


def test_the_value_accepted_last_is_the_last_one_where_that_matters():
    for matters, want in ((False, b"Evil"), (True, b"a  b")):
        state = State({})
        assert Program(rule("r", condition([A], ("rx", "."))), last_matters=matters).run(Scene(b"", TX.fields, state))
        assert state.last.value == want


def test_message_and_data_are_as_the_last_condition_leaves_things():
    first, second = condition(["args.names"], ("rx", "l")), condition([Target("args", key=b"name")], ("rx", "E"))
    said = rule("r", first, second, said=(b"in ", Reference(MATCHED_NAME)), data=(Reference(MATCHED_ONE),))
    hit = Program(said).run(Scene(b"", TX.fields, State({})))
    assert (hit.said, hit.data) == (b"in args:Name", b"Evil")
    assert (hit.field, hit.key) == ("args.names", b"list")


def test_a_hit_names_what_its_texts_may_come_from():
    def run(*conditions, said=(), data=()):
        state = State({})
        state.last = Accepted("cookies", b"sid", b"x", None)
        return Program(rule("r", *conditions, said=said, data=data)).run(Scene(b"", TX.fields, state)).sources

    first, second = condition([A], ("rx", "o")), condition([Target("headers", key=b"x-one")], ("rx", "1"))
    assert run(first, second) == run(first, second, data=(Reference(MATCHED_NAME),)) == ()
    looked = (("args", b"other"), ("headers", b"x-one"))
    assert run(first, second, data=(Reference(MATCHED_ONE),)) == looked
    assert run(first, second, said=(Reference("headers", b"host"),)) == (("headers", b"host"),)
    assert run(first, second, said=(Reference("headers", b"a"), Reference("tx", b"0"))) == (
        ("headers", b"a"),
        *looked,
    )
    assert ("cookies", b"sid") in run(condition([Target(MATCHED_ONE)], ("rx", "x")), data=(Reference(MATCHED_ONE),))


def test_an_operator_that_clears_many_values_at_once_still_finds_the_one():
    made = Program(rule("1", condition([Target("args")], ("validateUtf8Encoding", ""))))
    fine = {f"k{n}".encode(): "größe".encode() for n in range(50)}

    def hit(args):
        return made.run(Scene(b"", transaction(args=args).fields, State({})))

    assert hit(fine) is None
    found = hit({**fine, b"last": b"\xc3", b"after": b"x"})
    assert (found.field, found.key) == ("args", b"last")
