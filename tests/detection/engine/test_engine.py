"""The engine against the oracle that runs every rule on every value, and what it promises of order and windows."""

import gc
import weakref

import builders as make
import pytest
from builders import BOTH, condition, rule, simple, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive import naive_inspect

from revproxy.detection.engine import Engine
from revproxy.detection.link import link
from revproxy.detection.rules import FIELDS as TABLE
from revproxy.detection.rules import MATCHED, Target
from revproxy.model import Phase, Protocol

ATOMS = ["a", "b", r"\d", "foo", "bar", "[a-c]", "[^a]", r"\s", "=", "%41", "A", r"\x00", r"\\", "é"]
EDGES = ["", "^", "$", r"\b", r"\A", r"\z", r"\B", r"\Z"]
CHAIN_NAMES = (
    "lowercase urlDecodeUni htmlEntityDecode jsDecode cssDecode removeNulls compressWhitespace removeWhitespace "
    "replaceComments normalizePath base64Decode base64DecodeExt trim cmdLine length utf8toUnicode uppercase"
)
CHAINS = CHAIN_NAMES.split()
FIELDS = [
    "args", "args.names", "args.get", "cookies", "cookies.names", "headers", "headers.names", "path", "query",
    "method", "body", "text", "status", "reply.headers", "reply.body", "files", "archive.names",
]  # fmt: skip
PIECES = [
    b"a", b"b", b"A", b"foo", b"FOO", b"bar", b" ", b"  ", b"=", b"\0", b"%41", b"%66oo", b"&#102;oo", b"\\x66oo",
    b"/*x*/", b"\n", b"Zm9v", b"/../", b"7", b"\xe9", b"' or 1=1", b"<script>alert(1)</script>", b"", b"\t", b"^",
]  # fmt: skip

patterns = st.builds(
    lambda parts, fold: ("(?i)" if fold else "") + "".join(parts),
    st.lists(
        st.builds(
            lambda e, a, q, f: e + a + q + f,
            st.sampled_from(EDGES),
            st.sampled_from(ATOMS),
            st.sampled_from(["", "", "?", "*", "+", "{2}"]),
            st.sampled_from(EDGES),
        ),
        min_size=1,
        max_size=3,
    ),
    st.booleans(),
)
texts = st.sampled_from(["foo", "a", "FOO", "b a", "7", "x"])
operators = st.one_of(
    patterns.map(lambda p: ("rx", p)),
    patterns.map(lambda p: ("rx", f"(?:{p}|^b)")),
    st.lists(texts, min_size=1, max_size=3).map(lambda w: ("pm", tuple(w))),
    st.tuples(
        st.sampled_from(["contains", "streq", "beginsWith", "endsWith", "within", "!streq", "!contains"]), texts
    ),
    st.tuples(st.sampled_from(["eq", "gt", "lt", "!eq"]), st.sampled_from(["0", "1", "3"])),
    st.sampled_from(
        [
            ("detectXSS", ""),
            ("validateByteRange", "32-126"),
            ("validateUtf8Encoding", ""),
            ("!validateByteRange", "32-126"),
        ]
    ),
)
keys = st.sampled_from([b"k", b"foo", b"host"])
targets = st.one_of(
    st.sampled_from(FIELDS).map(Target),
    st.builds(lambda k: Target("args", key=k), keys),
    st.builds(lambda k: Target("headers", key=k), keys),
    st.builds(lambda f: Target(f, pattern="^[fh]o"), st.sampled_from(["args", "cookies", "headers"])),
    st.builds(lambda f: Target(f, count=True), st.sampled_from(["args", "headers", "files"])),
)
excludes = st.one_of(
    st.builds(lambda f, k: Target(f, key=k, exclude=True), st.sampled_from(["args", "headers"]), keys),
    st.just(Target("args", pattern="o", exclude=True)),
    st.just(Target("args.names", exclude=True)),
)


@st.composite
def conditions(draw, first):
    if not first and draw(st.booleans()):
        chosen = (Target(MATCHED),)
    else:
        chosen = (*draw(st.lists(targets, min_size=1, max_size=3)), *draw(st.lists(excludes, max_size=1)))
    chain = draw(st.lists(st.sampled_from(CHAINS), max_size=3))
    return condition(
        chosen, *draw(st.lists(operators, min_size=1, max_size=2)), chain=chain, every_step=draw(st.booleans())
    )


@st.composite
def rules(draw):
    out = []
    for number in range(draw(st.integers(1, 6))):
        parts = [draw(conditions(at == 0)) for at in range(draw(st.integers(1, 3)))]
        phase = draw(st.sampled_from(list(Phase)))
        out.append(rule(f"r{number}", *parts, phase=phase, protocols=BOTH, logs=True))
    return out


values = st.lists(st.sampled_from(PIECES), max_size=4).map(b"".join)


@st.composite
def transactions(draw):
    tx = transaction(draw(st.sampled_from(list(Protocol))))
    able = [f for f in FIELDS if tx.protocol in TABLE[f].protocols]
    for name in draw(st.lists(st.sampled_from(able), unique=True, max_size=6)):
        if name.endswith(".names") and name != "archive.names":
            continue
        got = draw(st.lists(values, max_size=5))
        named = draw(st.booleans()) and name not in ("path", "method")
        tx.fields.put(name, got, [draw(keys | values) for _ in got] if named else ())
    return tx


@pytest.fixture(scope="module", autouse=True)
def _keyed():
    """A single item that asks for certain keys is set apart, so that few rules show whether that is right."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("revproxy.detection.link.linker.KEYED", 1)
        yield


def found(tx):
    return [(f.rule, f.phase, f.field, f.key) for f in tx.findings]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules(), st.lists(transactions(), min_size=1, max_size=4))
def test_finds_what_the_oracle_finds(made, given_transactions):
    engine = Engine(link(made), 1 << 16)
    for tx in given_transactions * 2:
        tx.findings.clear()
        want = naive_inspect(made, tx, Phase.HEAD, Phase.LOG)
        engine.inspect(tx, Phase.HEAD, Phase.LOG)
        assert found(tx) == want


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(rules(), min_size=3, max_size=3), st.randoms(), st.lists(transactions(), min_size=1, max_size=4))
def test_linked_onto_other_rules_it_finds_what_the_oracle_finds(lists, chance, given_transactions):
    made, linked = lists[0], link(lists[0])
    for other in lists[1:]:
        there = {one.id: one for one in (*other, *(one for one in made if chance.random() < 0.7))}
        made = chance.sample(list(there.values()), len(there))
        linked = link(made, before=linked)
        engine = Engine(linked, 1 << 16)
        for tx in given_transactions:
            tx.findings.clear()
            tx.state = None
            want = naive_inspect(made, tx, Phase.HEAD, Phase.LOG)
            engine.inspect(tx, Phase.HEAD, Phase.LOG)
            assert found(tx) == want


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules(), transactions())
def test_phase_by_phase_is_the_same_as_all_at_once(made, tx):
    engine = Engine(link(made), 1 << 16)
    engine.inspect(tx, Phase.HEAD, Phase.LOG)
    want, points = found(tx), (tx.scores.inbound, tx.scores.outbound)
    tx.findings.clear()
    tx.scores.inbound = tx.scores.outbound = 0
    for phase in Phase:
        engine.inspect(tx, phase, phase)
    assert found(tx) == want
    assert (tx.scores.inbound, tx.scores.outbound) == points


def test_order_is_phase_then_file():
    engine = Engine(
        link([simple("late", "a"), simple("early", "a", "path", phase=Phase.HEAD), simple("last", "a")]), 0
    )
    tx = transaction(args=[b"a"], path=[b"a"])
    engine.inspect(tx, Phase.HEAD, Phase.BODY)
    assert [f.rule for f in tx.findings] == ["early", "late", "last"]
    assert tx.scores.inbound == 15


def test_a_rule_is_reported_once_over_windows():
    engine = Engine(link([simple("one", "evil", "body"), simple("two", "bad", "body", logs=False)]), 0)
    tx = transaction(body=[b"evil bad"])
    for window in (b"evil bad", b"fine", b"evil bad evil"):
        tx.fields.put("body", [window])
        engine.inspect(tx, Phase.BODY, Phase.BODY)
    assert [f.rule for f in tx.findings] == ["one"]
    assert tx.silent == ("two",)
    assert tx.scores.inbound == 10


def test_later_phases_score_outbound():
    engine = Engine(link([simple("leak", "secret", "reply.body", phase=Phase.REPLY_BODY)]), 0)
    tx = transaction(reply__body=[b"a secret"])
    engine.inspect(tx, Phase.REPLY_HEAD, Phase.REPLY_BODY)
    assert (tx.scores.inbound, tx.scores.outbound) == (0, 5)


def test_a_rule_waits_for_its_fields():
    engine = Engine(link([simple("early", "a", "args.post", phase=Phase.HEAD)]), 0)
    tx = transaction(**{"args.post": [b"a"]})
    engine.inspect(tx, Phase.HEAD, Phase.HEAD)
    assert not tx.findings
    engine.inspect(tx, Phase.BODY, Phase.BODY)
    assert tx.findings[0].phase is Phase.BODY


def test_arguments_of_the_query_are_there_before_those_of_the_body():
    engine = Engine(link([simple("early", "a", "args", phase=Phase.HEAD), simple("late", "b", "args")]), 0)
    tx = transaction(args=[b"a"])
    engine.inspect(tx, Phase.HEAD, Phase.HEAD)
    tx.fields.put("args", (b"a", b"b", b"aa"))
    engine.inspect(tx, Phase.BODY, Phase.BODY)
    assert [(found.rule, found.phase) for found in tx.findings] == [("early", Phase.HEAD), ("late", Phase.BODY)]


def test_header_fields_of_a_mail_come_with_the_body():
    engine = Engine(link([simple("mail", "a", "headers", phase=Phase.HEAD, protocols=BOTH)]), 0)
    tx = transaction(Protocol.SMTP, headers={b"subject": b"a"})
    engine.inspect(tx, Phase.HEAD, Phase.HEAD)
    assert not tx.findings
    engine.inspect(tx, Phase.BODY, Phase.BODY)
    assert [f.key for f in tx.findings] == [b"subject"]


@pytest.mark.parametrize("count", [1, 2, 70, 500])
def test_many_values(count):
    engine = Engine(link([simple("n", "^evil$", chain=["urlDecodeUni", "lowercase"])]), 0)
    tx = transaction(args=[b"plain %d" % i for i in range(count)] + [b"%45vil"])
    engine.inspect(tx, Phase.BODY, Phase.BODY)
    assert [f.value for f in tx.findings] == [b"evil"]


def test_finding_carries_the_surroundings_of_the_match():
    engine = Engine(link([simple("n", "needle")]), 0)
    tx = transaction(args={b"k": b"x" * 5000 + b"needle" + b"y" * 5000})
    engine.inspect(tx, Phase.BODY, Phase.BODY)
    value = tx.findings[0].value
    assert b"needle" in value
    assert len(value) == 512


def test_a_twin_finds_the_same():
    engine = Engine(link([simple("n", "a")]), 0)
    tx = transaction(args=[b"a"])
    engine.twin().inspect(tx, Phase.BODY, Phase.BODY)
    assert [f.rule for f in tx.findings] == ["n"]


def test_its_parts_are_all_that_is_large():
    """Nothing of it goes with the engine itself, and everything with its parts: no cycle keeps anything."""
    engine = Engine(link([simple("n", "a"), simple("m", "b", "path")]), 0)
    shared, twin, parts = weakref.ref(engine.shared), engine.twin(), engine.parts()
    assert [one for one in engine.shared.loaded.values() if one not in parts] == []
    assert [program for program in engine.shared.programs if program not in parts] == []
    del parts
    gc.disable()
    try:
        del engine, twin
        assert shared() is None
    finally:
        gc.enable()


def test_plans_are_bounded(monkeypatch):
    monkeypatch.setattr("revproxy.detection.engine.engine.PLANS", 2)
    engine = Engine(link([simple("n", "a")]), 0)
    for name in ("args", "path", "query", "cookies"):
        engine.inspect(make.transaction(**{name: [b"a"]}), Phase.BODY, Phase.BODY)
    assert len(engine._plans) <= 2
