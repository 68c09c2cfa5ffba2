from builders import HTTP

from revproxy.detection.link.scores import score_of
from revproxy.detection.rules import Assign, Condition, Rule, SetVariable
from revproxy.model import Phase, Severity


def setting(*names):
    effects = tuple(SetVariable((name,), Assign.ADD, (b"1",)) for name in names)
    return Rule("1", HTTP, Phase.BODY, (Condition((), (), effects=effects),), Severity.NOTICE, 0, "")


def test_score_of():
    assert score_of([setting(b"Anomaly_Score"), setting(b"x", b"BLOCKING_inbound_anomaly_score")]) == (
        b"blocking_inbound_anomaly_score"
    )
    assert score_of([setting(b"anomaly_score")]) == b"anomaly_score"
    assert score_of([setting(b"x")]) == b""
