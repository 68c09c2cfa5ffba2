"""Exclusions of a configuration among rules of both kinds: what they come to, and what is wrong with them where."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from revproxy.app.exclusions import Excluded, meant, read_exclusions
from revproxy.config import Exclusion, Mail, MailDomain, Route, Settings, nowhere
from revproxy.config.loading import load
from revproxy.detection.rules import Condition, Operator, Rule, Target
from revproxy.errors import ManyErrors
from revproxy.model import Phase, Protocol, Severity

HTTP, SMTP = frozenset({Protocol.HTTP}), frozenset({Protocol.SMTP})


def rule(name: str, field: str, *tags: str, protocols: frozenset[Protocol] = HTTP) -> Rule:
    looks = Condition((Target(field),), (Operator("rx", "x"),))
    return Rule(name, protocols, Phase.BODY, (looks,), Severity.ERROR, 5, "m", tags=tags)


RULES = [
    rule("942100", "args.plain", "attack-sqli", "OWASP_CRS"),
    rule("942110", "args.plain", "attack-sqli"),
    rule("941100", "headers", "attack-xss"),
    rule("sql-union-select", "args", "sql"),
    rule("mail-macro", "files", "mail", protocols=SMTP),
]


def settings(*exclusions: Exclusion, mail: tuple[Exclusion, ...] = ()) -> Settings:
    made = Settings((), (), (Route("r", "web", exclusions=exclusions),))
    return replace(made, mail=Mail(domains=(MailDomain("a.example", "mx", exclusions=mail),)))


def ids(one: Exclusion) -> set[str]:
    (placed,) = read_exclusions(settings(one), RULES, nowhere).routes["r"]
    return set(placed.exclusion.rules)


@pytest.mark.parametrize(
    ("one", "rules"),
    [
        (Exclusion(("942100",)), {"942100"}),
        (Exclusion(("942000-942999", "sql-union-select")), {"942100", "942110", "sql-union-select"}),
        (Exclusion(tags=("attack-sqli",)), {"942100", "942110"}),
        (Exclusion(tags=("/^attack-/",)), {"942100", "942110", "941100"}),
        (Exclusion(("941100",), ("OWASP_CRS",)), {"941100", "942100"}),
        (Exclusion(fields=("headers:referer",)), {"942100", "942110", "941100", "sql-union-select"}),
    ],
)
def test_rules(one: Exclusion, rules: set[str]) -> None:
    assert ids(one) == rules


def test_fields_stand_for_those_of_both_languages() -> None:
    one = Exclusion(("942100",), fields=("args:Q",), path="/search")
    (placed,) = read_exclusions(settings(one), RULES, nowhere).routes["r"]
    assert placed.path == "/search"
    fields = ("args", "args.plain", "args.get", "args.post")
    assert placed.exclusion.targets == tuple(Target(field, b"q") for field in fields)
    names = rule("1", "args.plain.names")
    only = Exclusion(("1",), fields=("args.names:/^x/",))
    (placed,) = read_exclusions(settings(only), [names], nowhere).routes["r"]
    assert Target("args.plain.names", pattern="^x") in placed.exclusion.targets


@pytest.mark.parametrize("field", ["archive.names", "multipart.names"])
def test_names_that_are_a_field_of_their_own_have_keys(field: str) -> None:
    only = Exclusion(("1",), fields=(f"{field}:a.zip",))
    (placed,) = read_exclusions(settings(only), [rule("1", field)], nowhere).routes["r"]
    assert placed.exclusion.targets == (Target(field, b"a.zip"),)


def test_those_of_all_routes_and_domains() -> None:
    common = (Exclusion(("942100",)), Exclusion(fields=("files",)), Exclusion(("941100",), path="/a", hosts=("b",)))
    made = settings(Exclusion(("942110",)), mail=(Exclusion(("mail-macro",)),))
    made = replace(made, inspection=replace(made.inspection, exclusions=common))
    got = read_exclusions(made, RULES, nowhere)
    assert [sorted(p.exclusion.rules)[0] for p in got.routes["r"]] == ["942110", "942100", "941100", "941100"]
    assert [(p.hosts, p.path) for p in got.routes["r"]] == [((), "/"), ((), "/"), ((), "/"), (("b",), "/a")]
    assert [len(e.rules) for e in got.domains["a.example"]] == [1, 1, 5]
    assert [len(p.exclusion.rules) for p in got.elsewhere] == [1, 5, 1]
    assert got.removed() == {frozenset({name}) for name in ("942100", "942110", "941100", "mail-macro")}
    again: Excluded = pickle.loads(pickle.dumps(got))
    assert again.removed() == got.removed()
    assert again.routes["r"][1].exclusion is again.elsewhere[0].exclusion


CONFIGURATION = """\
listeners: [{{name: web, kind: http, bind: "127.0.0.1:0"}}]
upstreams: {{web: "127.0.0.1:1", mx: "127.0.0.1:2"}}
mail: {{domains: {{a.example: {{upstream: mx, exclusions: [{{rules: [942100]}}]}}}}}}
routes:
  - upstream: web
    exclusions:
      - {line}
"""


@pytest.mark.parametrize(
    ("line", "place", "said", "hint"),
    [
        ("{rules: [942101]}", "7:18", "there is no rule '942101' for http", "did you mean 942110?"),
        ("{rules: [sql-union-slect]}", "7:18", "no rule 'sql-union-slect'", "did you mean sql-union-select?"),
        ("{rules: [942100, mail-macro]}", "7:26", "no rule 'mail-macro' for http", "signatures list"),
        ("{rules: 950000-950999}", "7:17", "no rule from 950000 to 950999", ""),
        ("{tags: [attack-sql]}", "7:17", "no rule for http with the tag 'attack-sql'", "did you mean attack-sqli?"),
        ("{tags: [/^none/]}", "7:17", "no rule for http with the tag", ""),
        ("{tags: ['/(/']}", "7:17", "without ')'", ""),
        ("{fields: [arg]}", "7:19", "unknown field `arg`", "args"),
        ("{fields: ['ARGS:q']}", "7:19", "unknown field `ARGS`", "ARGS is `args` here"),
        ("{fields: ['!args']}", "7:19", "without ! and count()", ""),
        ("{fields: ['args:']}", "7:19", "no key after the colon", ""),
        ("{fields: ['args:/(/']}", "7:19", "missing )", ""),
        ("{rules: [941100], fields: ['args:q']}", "7:36", "none of these rules looks at `args`", ""),
    ],
)
def test_what_is_wrong_has_a_place(tmp_path: Path, line: str, place: str, said: str, hint: str) -> None:
    path = tmp_path / "revproxy.yaml"
    path.write_text(CONFIGURATION.format(line=line))
    loaded = load(path)
    with pytest.raises(ManyErrors) as caught:
        read_exclusions(loaded.settings, RULES, loaded.blame)
    errors = [str(error) for error in caught.value.errors]
    assert errors[0].startswith(f"{path}:3:")
    assert "'942100' for smtp" in errors[0]
    assert errors[1].startswith(f"{path}:{place}: ")
    assert said in errors[1]
    assert hint in errors[1]
    assert "^" in errors[1]
    assert len(errors) == 2


def test_hints() -> None:
    assert meant("SQL-A", ["sql-a", "sql-b"]) == "did you mean sql-a?"
    assert "signatures list" in meant("zzz", ["sql-a"])
