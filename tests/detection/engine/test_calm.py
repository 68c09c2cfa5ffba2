from functools import partial

import hyperscan
from builders import simple, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import naive_hit

from revproxy.detection.engine import Engine
from revproxy.detection.engine.calm import Scanner
from revproxy.detection.engine.shared import Shared
from revproxy.detection.link import databases, link, linker
from revproxy.model import Phase

RULESET = link(
    [simple("a", "a[b<]c"), simple("b", "^x.*y$"), simple("c", "<"), simple("d", "HELLO", chain=["lowercase"])]
)
GROUP = RULESET.groups[0]
SCANNER = Scanner()
SCANS = SCANNER.load(GROUP.databases, partial(Shared(RULESET).scan, beside=False))
PLAIN = SCANS._replace(calm=None)
pieces = st.sampled_from([b"abc", b"a<c", b"x", b"y", b"\0", b" ", b"hello"])


@settings(deadline=None)
@given(st.lists(pieces, max_size=8).map(b"".join))
def test_gives_the_same_answer_as_the_whole_database(data):
    calm = not data.translate(None, GROUP.databases.calm_bytes)
    assert SCANNER.look(SCANS, data, calm) == SCANNER.look(PLAIN, data, calm)


def test_calm_text_is_answered_by_the_calm_database():
    asked = []
    scans = SCANS._replace(whole=SCANS.whole._replace(scan=lambda data, on_match: asked.append(data)))
    assert SCANNER.look(scans, b"z\0abc", True)
    assert not asked
    SCANNER.look(scans, b"z\0abc<", False)
    assert asked


HEAVY = [
    simple("plain", "heavy", "args"),
    simple("begin", "^heavy", "args"),
    simple("end", "heavy$", "args"),
    simple("low", "heavy 1", "args", chain=["lowercase"]),
    simple("decoded", "^heavy x$", "args", chain=["urlDecodeUni"]),
    simple("other", "light", "args"),
]


def test_what_hyperscan_does_not_take_is_looked_for_all_the_same(monkeypatch):
    """The same rules are found, through chains of transformations too."""
    real = databases._compile

    def choosy(expressions):
        if any(b"heavy" in e.text.lower() for e in expressions):
            raise hyperscan.error("too large")
        return real(expressions)

    monkeypatch.setattr(databases, "_compile", choosy)
    _finds_what_the_oracle_finds(HEAVY)


def test_what_is_slow_in_hyperscan_is_looked_for_in_calm_values_only(monkeypatch):
    monkeypatch.setattr(linker, "LONG_BYTES", 5)
    monkeypatch.setattr(linker, "is_slow", lambda text, store: b"eavy" in text.lower())
    ruleset = link(HEAVY)
    whole = [g.databases for g in ruleset.groups]
    assert [(len(d.heavy), len(d.heavy_calm)) for d in whole] == [(5, 0)]
    assert len(ruleset.notes) == 5
    _finds_what_the_oracle_finds(HEAVY)


def _finds_what_the_oracle_finds(rules):
    engine = Engine(link(rules))
    for values in [
        [b"a heavy b"],
        [b"x", b"heavy"],
        [b"HEAVY 1", b"y"],
        [b"%68eavy+x"],
        [b"heavy\0"],
        [b"light"],
        [b"x"],
    ]:
        tx = transaction(args={b"k%d" % at: value for at, value in enumerate(values)})
        want = [rule.id for rule in rules if naive_hit(rule, tx)]
        engine.inspect(tx, Phase.HEAD, Phase.BODY)
        assert [f.rule for f in tx.findings] == want, values
