from dataclasses import replace

import hyperscan
import pytest
from builders import condition, rule, simple, transaction

from revproxy.detection.engine import Engine
from revproxy.detection.engine.shared import Shared, load
from revproxy.detection.link import link
from revproxy.model import Phase

RULESET = link([simple("a", "needle"), simple("b", "^hay", "path")])


def hits(engine):
    tx = transaction(args=[b"a needle"])
    engine.inspect(tx, Phase.HEAD, Phase.BODY)
    return [f.rule for f in tx.findings]


def test_loading_takes_every_database_out_of_what_was_given():
    compiled = RULESET.databases()
    loaded = load(compiled)
    assert not compiled
    assert set(loaded) == set(RULESET.keys) == set(RULESET.databases())


def test_what_is_known_already_is_taken_over():
    first = Shared(RULESET)
    more = link([simple("a", "needle"), simple("b", "^hay", "path"), simple("c", "straw", "body")])
    compiled = {key: data for key, data in more.databases().items() if key not in first.loaded}
    second = Shared(more, load(compiled, first.loaded))
    common = set(RULESET.keys) & set(more.keys)
    assert common
    assert all(second.loaded[key] is first.loaded[key] for key in common)
    assert hits(Engine(more, 0, second)) == hits(Engine(RULESET, 0, first)) == ["a"]


def test_only_databases_of_the_set_are_held():
    other = link([simple("z", "zebra")])
    shared = Shared(other, load(other.databases() | RULESET.databases()))
    assert set(shared.loaded) == set(other.keys)


def test_a_database_that_is_none_is_told():
    with pytest.raises(hyperscan.error):
        load({"key": b"no database"})


def test_engines_share_databases_and_rules_but_no_scratch_space():
    engine = Engine(RULESET, 0)
    twin = engine.twin()
    assert twin.shared is engine.shared
    assert hits(twin) == hits(engine) == ["a"]
    key = next(g for g in RULESET.groups if "args" in g.fields).databases.joined
    one, other = engine.shared.scan(key, False), engine.shared.scan(key, True)
    found = []
    # Hyperscan refuses a scratch space that is in use: a scan within a scan needs another one.
    one(b"a needle", lambda *a: other(b"a needle", lambda number, *b: found.append(number)))
    assert found
    with pytest.raises(hyperscan.error):
        one(b"a needle", lambda *a: one(b"a needle", lambda *b: None))


def test_a_database_without_patterns_finds_nothing():
    found = []
    Shared(RULESET).scan("", False)(b"a needle", lambda *a: found.append(a))
    assert not found


def test_patterns_that_capture_are_built_before_the_first_use():
    plain = condition(["args"], ("rx", "a(b)"), ("rx", "(c)d"))
    built = []
    for one in (replace(plain, capture=True), plain):
        shared = Shared(link([rule("r", one)]))
        (step,) = shared.programs[0].steps
        built.append([operator.ready.__self__._program is not None for operator in step._operators])
    assert built == [[True, True], [False, False]]
