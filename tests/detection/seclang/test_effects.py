"""setvar, expirevar, initcol, ctl."""

import pytest

from revproxy.detection.seclang.effects import ctl, expirevar, initcol, setvar
from revproxy.detection.seclang.source import Log
from revproxy.detection.seclang.tree import Change, Text
from revproxy.errors import Location

HERE = Location("f", 1, 1)


def text(value):
    return Text(value.encode(), Location("f", 1, 8))


@pytest.mark.parametrize(
    ("value", "collection", "variable", "change", "to"),
    [
        ("tx.a=1", "TX", "a", Change.SET, "1"),
        ("TX.a=b c", "TX", "a", Change.SET, "b c"),
        ("tx:a=+1", "TX", "a", Change.ADD, "1"),
        ("tx.a=-%{tx.b}", "TX", "a", Change.SUBTRACT, "%{tx.b}"),
        ("tx.a=++1", "TX", "a", Change.ADD, "+1"),
        ("tx.a", "TX", "a", Change.SET, "1"),
        ("!tx.a", "TX", "a", Change.UNSET, ""),
        ("tx.a=", "TX", "a", Change.SET, ""),
        ("tx.a=b=c", "TX", "a", Change.SET, "b=c"),
        ("tx.a =1", "TX", "a", Change.SET, "1"),
        ("tx.%{rule.id}-b=1", "TX", "%{rule.id}-b", Change.SET, "1"),
        ("ip.a.b=1", "IP", "a.b", Change.SET, "1"),
        ("tx.a='b'", "TX", "a", Change.SET, "'b'"),
    ],
)
def test_setvar(value, collection, variable, change, to):
    log = Log()
    found = setvar(text(value), HERE, log)
    assert not log.errors
    assert (found.collection, found.change) == (collection, change)
    assert found.variable.text.value == variable.encode()
    assert found.value.text.value == to.encode()


def test_places_inside_setvar():
    found = setvar(text("tx.a%{tx.b}=+x"), HERE, Log())
    assert found.variable.text.where.column == 11
    assert found.variable.parts[1].where.column == 12
    assert found.value.text.where.column == 21


@pytest.mark.parametrize(
    ("value", "says", "column"),
    [
        ("a=1", "the name of a variable", 8),
        ("tx=1", "the name of a variable", 8),
        ("tx.=1", "the name of a variable", 8),
        ("env.a=1", "rules cannot write to ENV", 8),
        ("!tx.a=1", "either removed with `!` or set", 13),
        ("tx.%{foo}=1", "unknown variable `foo`", 13),
        ("tx.a=%{foo}", "unknown variable `foo`", 15),
    ],
)
def test_wrong_setvar(value, says, column):
    log = Log()
    setvar(text(value), HERE, log)
    assert says in log.errors[0].message
    assert log.errors[0].where.column == column


def test_expirevar():
    found = expirevar(text("ip.a=%{tx.t}0"), HERE, Log())
    assert (found.collection, found.variable.text.value, found.seconds.text.value) == ("IP", b"a", b"%{tx.t}0")


@pytest.mark.parametrize("value", ["ip.a", "ip.a=", "!ip.a=1", "a", "foo.a=1"])
def test_wrong_expirevar(value):
    log = Log()
    assert expirevar(text(value), HERE, log) is None
    assert len(log.errors) == 1


def test_initcol():
    found = initcol(text("ip=%{REMOTE_ADDR}_a"), HERE, Log())
    assert (found.collection, found.key.text.value) == ("IP", b"%{REMOTE_ADDR}_a")


@pytest.mark.parametrize("value", ["ip", "ip=", "=a", "tx=a", "foo=a"])
def test_wrong_initcol(value):
    log = Log()
    assert initcol(text(value), HERE, log) is None
    assert len(log.errors) == 1


@pytest.mark.parametrize(
    ("value", "option", "said", "target", "ids"),
    [
        ("ruleEngine=off", "ruleEngine", "Off", None, []),
        ("RULEENGINE=detectiononly", "ruleEngine", "DetectionOnly", None, []),
        ("requestBodyProcessor=json", "requestBodyProcessor", "JSON", None, []),
        ("ruleRemoveById=1,5-9", "ruleRemoveById", "1,5-9", None, [(1, 1), (5, 9)]),
        ("ruleRemoveByTag=a b/c", "ruleRemoveByTag", "a b/c", None, []),
        ("ruleRemoveTargetById=1-9;ARGS:a", "ruleRemoveTargetById", "1-9", ("ARGS", b"a", None), [(1, 9)]),
        ("ruleRemoveTargetByTag=a b;TX", "ruleRemoveTargetByTag", "a b", ("TX", None, None), []),
        ("ruleRemoveTargetByMsg=a; ARGS:/^b;c/", "ruleRemoveTargetByMsg", "a", ("ARGS", None, b"^b;c"), []),
        ("hashEngine=Off", "hashEngine", "Off", None, []),
        ("requestBodyLimit=10", "requestBodyLimit", "10", None, []),
    ],
)
def test_ctl(value, option, said, target, ids):
    log = Log()
    found = ctl(text(value), HERE, log)
    assert not log.errors
    assert (found.option, found.value.value) == (option, said.encode())
    variable = found.target
    assert (variable and (variable.name, variable.key, variable.pattern and variable.pattern.value)) == target
    assert [(each.first, each.last) for each in found.ids] == ids


@pytest.mark.parametrize(
    ("value", "says", "column"),
    [
        ("ruleEngine", "needs an option and its value", 8),
        ("ruleEngine=", "ruleEngine needs a value", 19),
        ("ruleEngin=On", "unknown option `ruleEngin`", 8),
        ("ruleEngine=Yes", "ruleEngine cannot be `Yes`", 19),
        ("ruleRemoveById=x", "`x` is no id", 23),
        ("ruleRemoveTargetById=1", "needs a variable after its value", 29),
        ("ruleRemoveTargetById=1;", "a variable is missing", 31),
        ("ruleRemoveTargetById=1;FOO", "unknown variable `FOO`", 31),
        ("ruleRemoveTargetById=1;!ARGS:a", "neither `!` nor `&`", 31),
        ("ruleRemoveTargetById=1;ARGS|TX", "one variable only", 36),
        ("responseBodyProcessor=XML", "ctl:responseBodyProcessor is refused", 8),
        ("hashEngine=On", "ctl:hashEngine can only be Off here", 19),
    ],
)
def test_wrong_ctl(value, says, column):
    log = Log()
    ctl(text(value), HERE, log)
    assert says in log.errors[0].message
    assert log.errors[0].where.column == column


def test_some_options_have_no_effect():
    log = Log()
    assert ctl(text("auditLogParts=+E"), HERE, log)
    assert "ctl:auditLogParts has no effect here" in log.notices[0].message
