"""Rules that go by the names of header fields are not run again for names that came before."""

from builders import condition, transaction
from builders import rule as make

from revproxy.detection.engine import Engine
from revproxy.detection.engine.executor import Program
from revproxy.detection.link import link
from revproxy.detection.rules import Assign, Condition, Operator, Reference, SetVariable, Target
from revproxy.model import Phase

LISTED = Condition(
    (Target("headers.names"),),
    (Operator("rx", "^.*$"),),
    capture=True,
    effects=(SetVariable((b"name_", Reference("tx", b"0")), Assign.SET, (b"/", Reference("tx", b"0"), b"/")),),
)
FORBIDDEN = condition([Target("tx", pattern="^name_")], ("within", "/proxy/ /te/"))
READER = make("reader", condition([Target("tx", key=b"name_x-seen")], ("rx", ".")), phase=Phase.HEAD)


def found(engine, *names):
    tx = transaction(headers=dict.fromkeys(names, b"v"))
    engine.inspect(tx, Phase.HEAD, Phase.BODY)
    return [f.rule for f in tx.findings]


def test_the_rule_matches_as_ever_and_is_run_once_for_a_set_of_names(monkeypatch):
    runs = []
    run = Program.run
    monkeypatch.setattr(Program, "run", lambda self, scene: runs.append(self.rule.id) or run(self, scene))
    engine = Engine(link([make("names", LISTED, FORBIDDEN, phase=Phase.HEAD), READER]))
    runs.clear()
    for _ in range(3):
        assert found(engine, b"host", b"accept") == []
    assert runs == ["names"]
    for _ in range(2):
        assert found(engine, b"host", b"proxy") == ["names"]
        assert found(engine, b"host", b"x-seen") == ["reader"]
