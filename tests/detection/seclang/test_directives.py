"""Directives other than rules. Rules are held against tables in `test_seclang`."""

import pytest

from revproxy.detection.seclang.directives import statement
from revproxy.detection.seclang.rules import Assembly
from revproxy.detection.seclang.source import Log, Source, logical_lines
from revproxy.detection.seclang.tree import By, Dataset, DefaultActions, Include, Marker, Removal, Setting
from revproxy.detection.seclang.tree import UpdateActions as Actions
from revproxy.detection.seclang.tree import UpdateTargets as Targets


def read(text):
    log = Log()
    source = log.sources["f"] = Source(text.encode(), "f")
    assembly = Assembly(log)
    found = [statement(line, assembly, log) for line in logical_lines(source, log)]
    return [each for each in found if each is not None], log


def one(text):
    [found], log = read(text)
    assert not log.errors
    assert found.where.line == 1
    return found


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("SecRuleEngine detectiononly", [b"DetectionOnly"]),
        ('SecRequestBodyAccess "ON"', [b"On"]),
        ("SecResponseBodyAccess off", [b"Off"]),
        ('SecComponentSignature "a b"', [b"a b"]),
    ],
)
def test_settings(text, values):
    found = one(text)
    assert isinstance(found, Setting)
    assert found.name.lower() == text.split()[0].lower()
    assert [value.value for value in found.values] == values


def test_marker():
    assert one("SecMarker 'A B'") == Marker(b"A B", one("SecMarker 'A B'").where)


def test_default_actions():
    found = one('SecDefaultAction "phase:1,log,pass"')
    assert isinstance(found, DefaultActions)
    assert (found.phase, len(found.actions)) == (1, 3)


@pytest.mark.parametrize(
    ("text", "by", "ids", "said"),
    [
        ('SecRuleRemoveById 1 "5-9" 3,4', By.ID, [(1, 1), (5, 9), (3, 3), (4, 4)], None),
        ('SecRuleRemoveByTag "a b"', By.TAG, [], b"a b"),
        ("SecRuleRemoveByMsg a", By.MSG, [], b"a"),
    ],
)
def test_removals(text, by, ids, said):
    found = one(text)
    assert isinstance(found, Removal)
    assert found.rules.by is by
    assert [(each.first, each.last) for each in found.rules.ids] == ids
    assert (found.rules.text and found.rules.text.value) == said


@pytest.mark.parametrize("by", By)
def test_update_targets(by):
    found = one(f'SecRuleUpdateTargetBy{by} 7 "!ARGS:a,REQUEST_COOKIES:/b/"')
    assert isinstance(found, Targets)
    assert found.rules.by is by
    assert [(v.name, v.exclude) for v in found.variables] == [("ARGS", True), ("REQUEST_COOKIES", False)]


@pytest.mark.parametrize(("text", "link"), [("7", 0), ("7:2", 2)])
def test_update_actions(text, link):
    found = one(f'SecRuleUpdateActionById {text} "pass,nolog"')
    assert isinstance(found, Actions)
    assert (found.id, found.link, len(found.actions)) == (7, link, 2)


def test_dataset():
    found = one("SecDataset names `\n a\nb c\n`")
    assert isinstance(found, Dataset)
    assert (found.name, [entry.value for entry in found.entries]) == (b"names", [b"a", b"b c"])


@pytest.mark.parametrize(("word", "optional"), [("Include", False), ("IncludeOptional", True)])
def test_include(word, optional):
    found = one(f'{word} "a b/*.conf"')
    assert isinstance(found, Include)
    assert (found.path.value, found.path.where.column, found.optional) == (b"a b/*.conf", len(word) + 3, optional)


@pytest.mark.parametrize("text", ["SecArgumentSeparator &", "SecCookieFormat 0", "SecRequestBodyLimitAction REJECT"])
def test_what_is_done_anyway_is_taken_without_a_word(text):
    found, log = read(text)
    assert not found
    assert not log.errors
    assert not log.notices


def test_what_has_another_home_is_noted():
    found, log = read('SecMarker A\n  SecAuditLog "/var/log/a b"')
    assert len(found) == 1
    [notice] = log.notices
    assert str(notice.where) == "f:2:3"
    assert "SecAuditLog has no effect here: `logs.audit`" in notice.message


@pytest.mark.parametrize("text", ["SecRequestBodyLimit 1", "SecResponseBodyMimeType a/b c/d", "SecUploadFileLimit 1"])
def test_a_limit_of_ours_is_noted(text):
    found, log = read(text)
    assert not found
    assert not log.errors
    [notice] = log.notices
    assert notice.message.startswith(f"{text.split()[0]} has no effect here: ")


def test_what_is_noted_must_be_right_all_the_same():
    _, log = read("SecArgumentsLimit many")
    [error] = log.errors
    assert str(error.where) == "f:1:19"


def test_the_rest_of_an_open_quote_is_no_new_error():
    found, log = read('SecRule ARGS "@rx a\n  b" \\\n "id:1,\n  pass"\nSecMarker A\nFoo')
    assert len(found) == 1
    assert [(error.where.line, error.message) for error in log.errors] == [
        (1, 'the quote " is not closed'),
        (6, "unknown directive `Foo`"),
    ]


def test_a_broken_rule_in_a_chain_is_one_error():
    _, log = read('SecRule ARGS "a" "id:1,chain"\nSecRul ARGS "b" "chain"\nSecRule ARGS "c"\n')
    assert [error.message for error in log.errors] == ["unknown directive `SecRul`"]
