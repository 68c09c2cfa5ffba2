from builders import condition, rule, simple, transaction

from revproxy.detection.engine import Engine
from revproxy.detection.engine.shared import Shared
from revproxy.detection.engine.watching import Found, Watch
from revproxy.detection.link import link
from revproxy.detection.rules import Assign, Condition, Operator, SetVariable, Target
from revproxy.model import Phase

COUNTS = Condition(
    (Target("args"),),
    (Operator("rx", "a(t+)ack"),),
    ("urlDecode", "lowercase"),
    effects=(SetVariable((b"score",), Assign.ADD, (b"5",)),),
)
RULES = [
    rule("1", COUNTS, score=0, logs=False),
    simple("2", "nothing"),
    rule("3", condition([Target("tx", b"score")], ("ge", "5")), phase=Phase.REPLY_HEAD),
    rule("4", condition(["args"], ("contains", "at")), condition(["matched"], ("!rx", "x")), score=2),
    rule("5", condition([Target("tx", b"none", count=True)], ("eq", "0")), score=0, phase=Phase.HEAD),
]


def watched(rules, **fields):
    watch = Watch()
    ruleset = link(rules)
    engine = Engine(ruleset, shared=Shared(ruleset, program=watch.program))
    tx = transaction(**fields)
    engine.inspect(tx, Phase.HEAD, Phase.REPLY_HEAD)
    return watch, engine, tx


def test_what_fired_in_order_with_what_it_saw_and_did():
    watch, _, tx = watched(RULES, args={b"q": b"x A%54Tack y", b"p": b"z"})
    fired = watch.take()
    assert [one.rule.id for one in fired] == ["5", "1", "3"]
    found = Found("args", b"q", b"x A%54Tack y", b"x attack y", (2, 8), (b"attack", b"tt"))
    assert fired[1].found == ((found,),)
    assert fired[1].changes == ((b"score", None, b"5"),)
    assert fired[2].found[0][0].value == b"5"
    assert watch.take() == []
    plain = transaction(args={b"q": b"x A%54Tack y", b"p": b"z"})
    Engine(link(RULES)).inspect(plain, Phase.HEAD, Phase.REPLY_HEAD)
    assert plain.findings == tx.findings


def test_nothing_that_the_engine_tries_for_itself():
    watch, engine, _ = watched(RULES[:4], args={b"q": b"harmless"})
    assert watch.take() == []
    other = transaction(args={b"q": b"at"})
    engine.twin().inspect(other, Phase.HEAD, Phase.BODY)
    (fired,) = watch.take()
    assert fired.rule.id == "4"
    assert [[one.field for one in found] for found in fired.found] == [["args"], ["args"]]
    assert fired.found[1][0].span == (0, 2)


def test_names_that_are_found_out_fire_once():
    listed = Condition((Target("headers.names"),), (Operator("rx", "^x"),), effects=COUNTS.effects)
    watch, _, _ = watched([rule("1", listed, phase=Phase.HEAD)], headers={b"x": b"1"})
    assert [one.rule.id for one in watch.take()] == ["1"]
