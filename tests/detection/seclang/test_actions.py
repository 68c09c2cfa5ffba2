"""Lists of actions."""

import pytest

from revproxy.detection.seclang.actions import actions
from revproxy.detection.seclang.arguments import split
from revproxy.detection.seclang.source import Log, Source, logical_lines
from revproxy.detection.seclang.tree import Flag, Number, Transformation, Words


def read(text):
    log = Log()
    source = log.sources["f"] = Source(f'SecAction "{text}"'.encode(), "f")
    [line] = logical_lines(source, log)
    return actions(split(line, log)[1], log), log


def short(action):
    """One line for an action, with the column that it stands in."""
    match action:
        case Flag():
            said = action.name
        case Number():
            said = f"{action.name}={action.value}"
        case Words():
            said = f"{action.name}={action.value.text.value.decode()}"
        case Transformation():
            said = f"t={action.transformation}"
        case _:
            said = action.name
    return f"{said}@{action.where.column}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("id:1,phase:2,pass", ["id=1@12", "phase=2@17", "pass@25"]),
        ("ID:'1', Phase:REQUEST , Deny", ["id=1@12", "phase=2@20", "deny@36"]),
        ("phase:response,phase:logging", ["phase=4@12", "phase=5@27"]),
        ("severity:critical,severity:'7'", ["severity=2@12", "severity=7@30"]),
        ("t:LOWERCASE,t:none", ["t=lowercase@12", "t=none@24"]),
        ("t:normalisePath", ["t=normalisePath@12"]),
        ("msg:a b , tag:c", ["msg=a b@12", "tag=c@22"]),
        ("msg:'a, b',tag:'c'", ["msg=a, b@12", "tag=c@23"]),
        ("msg:'it\\'s',tag:'\\\"x\\\"'", ["msg=it's@12", 'tag="x"@24']),
        ("msg:'a\\\\',tag:b", ["msg=a\\\\@12", "tag=b@22"]),
        ("msg:don't,tag:''", ["msg=don't@12", "tag=@22"]),
        ("msg:a:b,status:403", ["msg=a:b@12", "status=403@20"]),
        ("allow,allow:Phase", ["allow@12", "allow=phase@18"]),
        ("skipAfter:'A B',skip:2", ["skipAfter=A B@12", "skip=2@28"]),
        ("ver:'x/1',rev:2,maturity:9,accuracy:'8'", ["ver=x/1@12", "rev=2@22", "maturity=9@28", "accuracy=8@39"]),
        ("setuid:%{tx.a},setsid:b,setrsc:c", ["setuid=%{tx.a}@12", "setsid=b@27", "setrsc=c@36"]),
        ("multimatch,CAPTURE", ["multiMatch@12", "capture@23"]),
        ("sanitizeMatched", ["sanitiseMatched@12"]),
        ("setvar:tx.a,ctl:ruleEngine=On,initcol:ip=a", ["setvar@12", "ctl@24", "initcol@42"]),
        ("id:1,\\\n  pass", ["id=1@12", "pass@3"]),
    ],
)
def test_list(text, found):
    actions_found, log = read(text)
    assert not log.errors
    assert [short(action) for action in actions_found] == found


@pytest.mark.parametrize(
    ("text", "says", "column"),
    [
        ("pass,", "an action is missing", 17),
        ("pass,,deny", "an action is missing", 17),
        ("pas", "unknown action `pas`", 12),
        ("pass:1", "pass takes no argument", 17),
        ("id", "id needs an argument", 12),
        ("id:", "id needs an argument", 15),
        ("id:x", "`x` is no id", 15),
        ("phase:0", "`0` is no phase", 18),
        ("severity:8", "`8` is no severity", 21),
        ("status:1000", "from 0 to 999", 19),
        ("skip:x", "a whole number", 17),
        ("t:lowercse", "unknown transformation `lowercse`", 14),
        ("msg", "msg needs an argument", 12),
        ("msg:'a", "the quote ' is not closed", 16),
        ("msg:'a'b,pass", "a comma is missing", 19),
        ("ver:%{tx.a}", "ver is fixed", 16),
        ("exec:/x", "exec is refused", 12),
        ("allow:all", "allow takes", 18),
    ],
)
def test_wrong(text, says, column):
    _, log = read(text)
    [error] = log.errors
    assert says in error.message
    assert error.where.column == column


def test_reading_goes_on_after_an_error():
    found, log = read("foo,id:1,phase:x,msg:'a'b,pass")
    assert [short(action) for action in found] == ["id=1@16", "pass@38"]
    assert len(log.errors) == 3


def test_some_have_no_effect():
    found, log = read("sanitiseArg:a,xmlns:b")
    assert len(found) == 2
    assert [str(notice.where) for notice in log.notices] == ["f:1:12", "f:1:26"]


def test_a_status_that_is_none_is_noted():
    found, log = read("deny,status:44")
    assert [short(action) for action in found] == ["deny@12", "status=403@17"]
    [notice] = log.notices
    assert notice.message.startswith("44 is no status")
    assert notice.where.column == 24
