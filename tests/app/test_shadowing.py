"""What judges by a staged set in a worker, with exclusions and metrics of its own."""

from __future__ import annotations

from revproxy.app.excluded import Excluded
from revproxy.app.prepare import prepare
from revproxy.app.shadowing import excluded_by, shadow_of
from revproxy.audit import About, Metrics
from revproxy.config import Inspection
from revproxy.detection.engine import load
from revproxy.detection.rules import Exclusion
from revproxy.inspection import Policy
from revproxy.model import ALLOWED, Phase, Protocol, Transaction
from revproxy.proxy.http.exclusions import Placed

A, B = Exclusion(frozenset({"a"})), Exclusion(frozenset({"b"}))


def test_what_is_left_out_where():
    of = excluded_by(Excluded({"shop": (Placed(A, path="/a"), Placed(B))}, {"one.example": (A,), "shop": (A,)}))
    assert of("shop", b"x", b"/a/b?q") == (A, B)
    assert of("shop", b"x", b"/") == (B,)
    assert of("other", b"x", b"/") == ()
    assert of("one.example", b"", b"") == (A,)
    assert of("two.example", b"", b"") == ()


async def test_it_judges_and_counts(settings):
    prepared = prepare(settings())
    metrics, records = Metrics(), []
    shadow = shadow_of(prepared, load(prepared.pieces), records.append, metrics)
    assert (shadow.set_name, "args" in shadow.wanted) == (prepared.ruleset_name, True)
    made = Transaction("t", Protocol.HTTP)
    tape = shadow.begin(made, Policy(), "all", b"a", b"/")
    made.fields.put("args", [b"attack-1"], [b"q"])
    tape.note(Phase.HEAD, Phase.BODY, 8)
    tape.end(ALLOWED, About("t", 0.0, "", "http", "all", "old"))
    await shadow._work
    assert shadow.report().new_denials == len(records) == 1
    assert metrics.snapshot()["counters"]["revproxy_staged_total"] == [[["denied"], 1]]
    shadow.close()


async def test_where_a_rule_says_how_a_body_is_read_that_is_kept(settings, tmp_path):
    rule = tmp_path / "a.conf"
    rule.write_text("SecAction 'id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=XML'\n")
    for rules, kept in (((), False), ((str(rule),), True)):
        prepared = prepare(settings(inspection=Inspection((), rules=rules)))
        shadow = shadow_of(prepared, load(prepared.pieces), [].append, Metrics())
        assert ("body.type" in shadow.wanted) is kept
        shadow.close()
