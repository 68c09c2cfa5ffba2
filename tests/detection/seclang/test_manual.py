"""docs/seclang.md beside what is so: every name is loaded here, and in ModSecurity 3, and what becomes of it is what
the document says. Operators and transformations are held against their own rooms there."""

from __future__ import annotations

from collections import Counter
from glob import glob
from pathlib import Path

import pytest
import yaml
from manual import Told, rows, told

from revproxy.detection.seclang import load, parse
from revproxy.detection.seclang.lower import lower
from revproxy.detection.seclang.vocabulary import ACTIONS, CTL, DIRECTIVES, OPERATORS, VARIABLES, Form, Keys, Status
from revproxy.detection.seclang.vocabulary import actions as action_words
from revproxy.detection.seclang.vocabulary import operators as operator_words
from revproxy.detection.seclang.vocabulary import variables as variable_words
from revproxy.detection.seclang.vocabulary.actions import NO_TRANSFORMATIONS
from revproxy.detection.transformations import TRANSFORMATIONS
from revproxy.errors import ManyErrors, RuleError

DATA = Path(__file__).parents[2] / "data" / "seclang"
CORAZA = {name: set(words.split()) for name, words in yaml.safe_load((DATA / "coraza.yaml").read_text()).items()}
SECTIONS = {
    "Directives": "directives",
    "Variables": "variables",
    "Operators": "operators",
    "Transformations": "transformations",
    "Actions": "actions",
    "Options of ctl": "options",
}
"""Of the document, and what `coraza.yaml` calls them."""

FORMS = {
    Form.RULE: 'ARGS "@rx a" "id:1,phase:2,pass"',
    Form.ACTION: '"id:1,phase:1,pass"',
    Form.MARKER: "A",
    Form.DEFAULT: '"phase:1,log,pass"',
    Form.UPDATE_TARGET: '1 "!ARGS:a"',
    Form.UPDATE_ACTION: '1 "pass"',
    Form.REMOVE: "1",
    Form.DATASET: "a `\nb\n`",
    Form.INCLUDE: "a.conf",
    Form.NOTHING: "",
    Form.FLAG: "On",
    Form.ENGINE: "On",
    Form.NUMBER: "100",
    Form.TEXT: '"a"',
    Form.TEXTS: "text/plain",
    Form.ANYTHING: "Off",
}
SETTINGS = {
    "SecAuditLogFormat": "JSON",
    "SecAuditLogParts": "ABIJDEFHZ",
    "SecAuditLogRelevantStatus": '"^5"',
    "SecAuditLogType": "Serial",
    "SecHttpBlKey": "abcdefghijkl",
    "SecRemoteRulesFailAction": "Warn",
    **dict.fromkeys(("SecAuditLog", "SecAuditLog2", "SecDebugLog"), "/dev/null"),
    **dict.fromkeys(("SecAuditLogDirMode", "SecAuditLogFileMode", "SecUploadFileMode"), "0600"),
    **dict.fromkeys(("SecAuditLogStorageDir", "SecDataDir", "SecTmpDir", "SecUploadDir"), "/tmp/"),
    **dict.fromkeys(("SecCollectionTimeout", "SecDebugLogLevel", "SecUploadFileLimit"), "1"),
    **dict.fromkeys(("SecPcreMatchLimit", "SecPcreMatchLimitRecursion"), "1000"),
}
"""Values that ModSecurity 3 takes where it takes the directive."""
OTHER = {"SecArgumentSeparator": ";", "SecCookieFormat": "1", "SecCookieV0Separator": ","}
"""Values that a directive does not have here; of the others On and the like."""
REACHES_OUT = {"SecRemoteRules", "SecUnicodeMapFile", "Include"}
"""ModSecurity 3 would fetch or read something."""

ARGUMENTS = {
    **dict.fromkeys(("accuracy", "id", "maturity", "severity", "skip"), "2"),
    **dict.fromkeys(("logdata", "msg", "rev", "tag", "ver", "skipAfter", "append", "prepend"), "'a'"),
    **dict.fromkeys(("setrsc", "setsid", "setuid"), "a"),
    **{f"sanitise{what}": "a" for what in ("Arg", "MatchedBytes", "RequestHeader", "ResponseHeader")},
    **{f"sanitize{what}": "a" for what in ("Arg", "MatchedBytes", "RequestHeader", "ResponseHeader")},
    "phase": "2",
    "status": "403",
    "redirect": "http://a/",
    "proxy": "http://a/",
    "xmlns": "a=http://a",
    "ctl": "ruleEngine=On",
    "deprecatevar": "ip.a=1/2",
    "exec": "/bin/true",
    "expirevar": "ip.a=1",
    "initcol": "ip=%{REMOTE_ADDR}",
    "pause": "1",
    "setenv": "a=b",
    "setvar": "tx.a=1",
    "t": "none",
}
OPTIONS = {
    **dict.fromkeys(("ruleRemoveById",), "1"),
    **dict.fromkeys(("ruleRemoveByTag", "ruleRemoveByMsg"), "a"),
    **dict.fromkeys(("ruleRemoveTargetByTag", "ruleRemoveTargetByMsg"), "a;ARGS:a"),
    **dict.fromkeys(("debugLogLevel", "requestBodyLimit", "responseBodyLimit"), "1"),
    **dict.fromkeys(("requestBodyProcessor", "responseBodyProcessor"), "JSON"),
    "ruleRemoveTargetById": "1;ARGS:a",
    "auditLogParts": "+E",
}


def directive(name: str) -> str:
    spec = DIRECTIVES[name.lower()]
    value = SETTINGS.get(name) or (spec.only[0] if spec.only else FORMS[spec.form])
    return f"{name} {value}"


def variable(name: str) -> str:
    xpath = VARIABLES[variable_words.SAME.get(name, name)].keys is Keys.XPATH
    return f'SecRule {name}{":/*" if xpath else ""} "@rx a" "id:1,phase:2,pass"'


def action(name: str) -> str:
    said = f"{name}:{ARGUMENTS[name]}" if name in ARGUMENTS else name
    rest = [part for part in ("id:1", "phase:2") if not part.startswith(f"{name}:")]
    behind = {"chain": '\nSecRule ARGS "@rx b"', "skipAfter": "\nSecMarker a"}.get(name, "")
    return f'SecRule ARGS "@rx a" "{",".join([*rest, said])}"{behind}'


def option(name: str) -> str:
    only = CTL[name.lower()].only
    value = OPTIONS.get(name) or (only[0] if only else "On")
    return f'SecAction "id:1,phase:1,pass,ctl:{name}={value}"'


TEXTS = {"Directives": directive, "Variables": variable, "Actions": action, "Options of ctl": option}
NAMED = [(section, row) for section in TEXTS for row in told(section).values()]
NAMES = [f"{section} {row.name}" for section, row in NAMED]


def what_becomes(text: str) -> str:
    """yes, notice or no."""
    try:
        done = lower(parse(text.encode(), "f.conf"), lambda _: b"")
    except (RuleError, ManyErrors):
        return "no"
    return "notice" if done.notices else "yes"


def as_told(row: Told) -> str:
    """What the document says, in those words."""
    if row.fate == "not yet":
        return "notice" if row.here.startswith("not yet: a notice") else "no"
    return "yes" if row.fate == "only" else row.fate


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("Directives", {spec.name for spec in DIRECTIVES.values()}),
        ("Variables", VARIABLES.keys() | variable_words.SAME.keys()),
        ("Operators", {spec.name for spec in OPERATORS.values()} | operator_words.SAME.keys()),
        ("Transformations", set(TRANSFORMATIONS)),
        ("Actions", {spec.name for spec in ACTIONS.values()} | action_words.SAME.keys()),
        ("Options of ctl", {spec.name for spec in CTL.values()}),
    ],
)
def test_the_document_has_all_names_and_no_other(section, names):
    extra = {name for name in told(section) if name.lower() in NO_TRANSFORMATIONS}
    assert told(section).keys() - extra == names


@pytest.mark.parametrize(("section", "row"), NAMED, ids=NAMES)
def test_what_becomes_of_a_name_here(section, row):
    assert what_becomes(TEXTS[section](row.name)) == as_told(row)


@pytest.mark.parametrize("row", [row for _, row in NAMED if row.fate == "only"], ids=lambda row: row.name)
def test_what_is_fixed_has_that_value_only(row):
    spec = DIRECTIVES.get(row.name.lower()) or CTL[row.name.lower()]
    assert row.here.startswith(f"only `{spec.only[0]}`")
    value = OTHER.get(row.name) or ("ProcessPartial" if spec.only[0] == "Reject" else "On")
    text = option(row.name) if row.name.lower() in CTL else directive(row.name)
    assert what_becomes(text.replace(spec.only[0], value)) == "no"


@pytest.mark.parametrize("section", SECTIONS)
def test_statuses_of_the_vocabulary(section):
    """The table says of each name what the document does."""
    tables = {"Directives": DIRECTIVES, "Operators": OPERATORS, "Actions": ACTIONS, "Options of ctl": CTL}
    words = {Status.HONOURED: "yes", Status.FIXED: "only", Status.NOTED: "notice", Status.REFUSED: "no"}
    for name, row in told(section).items():
        spec = tables.get(section, {}).get(name.lower())
        if spec is not None:
            assert row.fate == words.get(spec.status, "not yet"), name


@pytest.mark.parametrize("section", SECTIONS)
def test_coraza(section):
    loads = CORAZA[SECTIONS[section]]
    for name, row in told(section).items():
        known = name in loads
        assert row.coraza == ("no" if not known else "no effect" if name in CORAZA["no_effect"] else "yes"), name
    assert loads <= told(section).keys()


@pytest.mark.parametrize(("section", "row"), NAMED, ids=NAMES)
def test_modsecurity(section, row):
    libmodsecurity = pytest.importorskip("libmodsecurity", exc_type=ImportError)
    if row.name in REACHES_OUT or row.modsecurity.startswith("built with"):
        pytest.skip("depends on how it was built, or reaches out")
    loads = libmodsecurity.RulesSet().load(TEXTS[section](row.name) + "\n") >= 0
    assert loads == (row.modsecurity != "no")


@pytest.mark.parametrize("name", ["modsecurity", "coraza", "plugins"])
def test_configurations_as_people_have_them_load(name):
    """What engines recommend, and plugins of CRS: of their kind, written for this."""
    tree = load([str(DATA / "usual" / f"{name}.conf")], lambda path: Path(path).read_bytes(), glob)
    done = lower(tree, lambda path: Path(path).read_bytes())
    noted = {DIRECTIVES[word].name for word in map(_noted(tree), done.notices) if word in DIRECTIVES}
    used = {word for source in tree.sources.values() for row in source.rows for word in row.split()[:1]}
    assert len(done.rules) > 3
    assert noted == {row.name for row in told("Directives").values() if row.fate == "notice" and row.name in used}


def _noted(tree):
    """The word that a notice is about, which stands where the notice says."""

    def word(notice):
        found = notice.message.split()[0].removeprefix("ctl:")
        row = tree.sources[notice.where.file].rows[notice.where.line - 1]
        assert row[notice.where.column - 1 :].startswith(found)
        return found.lower()

    return word


def test_cases_that_are_left_out():
    listed = [line.split("\t")[1] for line in (DATA / "corpus-differences.tsv").read_text("utf-8").splitlines()[1:]]
    told_of = {cells[0].strip("`"): cells[1:3] for header, cells in rows("Cases that are left out")}
    whole = {name for name, (cases, left_out) in told_of.items() if cases == left_out}
    assert whole == {"geoLookup", "phpArgsNames"}
    assert {name: int(numbers[1]) for name, numbers in told_of.items() if name not in whole} == Counter(listed)
