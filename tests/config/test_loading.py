import contextlib
import dataclasses
from pathlib import Path

import pytest
import trustme
import yaml
from hypothesis import given
from hypothesis import strategies as st

from revproxy import config, model
from revproxy.errors import ConfigError, LocatedError, ManyErrors
from revproxy.model import Limits

ROOT = Path(__file__).parent.parent.parent
DATA = yaml.safe_load((ROOT / "tests" / "data" / "config" / "bad.yaml").read_text())
CASES = [
    *(("" if case.get("alone") else DATA["base"], case) for case in DATA["cases"]),
    *((DATA["good"], case) for case in DATA["across"]),
    *(("", case) for case in DATA["whole"]),
]
GOOD = "listeners: [{name: web, kind: http, bind: '127.0.0.1:80'}]\nupstreams: {app: '10.0.0.5:8080'}\n"


def errors_of(path):
    with pytest.raises((ConfigError, ManyErrors)) as caught:
        config.load(path)
    return caught.value.errors if isinstance(caught.value, ManyErrors) else (caught.value,)


def write(folder, text, name="revproxy.yaml"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(("before", "case"), CASES, ids=[case["name"] for _, case in CASES])
def test_a_mistake_is_named_with_its_place(tmp_path, before, case):
    path = write(tmp_path, before + case["yaml"], "bad.yaml")
    errors = errors_of(path)
    error = next((e for e in errors if case["error"] in e.message), None)
    assert error is not None, [e.message for e in errors]
    assert error.where.file == str(path)
    if case["at"]:
        line, column = map(int, case["at"].split(":"))
        assert (error.where.line - before.count("\n"), error.where.column) == (line, column)
    assert case.get("hint", "") in error.hint


def test_every_mistake_is_shown_at_once(tmp_path):
    text = "workers: 0\nadmin: x\nspool: []\nzzz: 1\nroutes: [{upstream: a, mode: x}, {}]\n"
    assert [e.where.line for e in errors_of(write(tmp_path, text))] == [1, 2, 3, 4, 5, 5]


def test_the_text_has_the_line_and_a_caret(tmp_path):
    path = write(tmp_path, GOOD + "workers: many\n")
    (error,) = errors_of(path)
    assert str(error) == f"{path}:3:10: 'many' is no whole number\n  workers: many\n           ^"


def test_a_small_one_has_all_defaults(tmp_path):
    loaded = config.load(write(tmp_path, GOOD + "routes: [{upstream: app}]"))
    settings = loaded.settings
    assert settings.limits == Limits()
    assert settings.listeners == (config.Listener("web", config.ListenerKind.HTTP, config.Address("127.0.0.1", 80)),)
    assert settings.upstreams == (config.Upstream("app", config.Address("10.0.0.5", 8080)),)
    assert settings.routes == (config.Route("*/", "app"),)
    assert settings.admin == config.Address("127.0.0.1", 9180)
    assert settings.upstream("app").address.port == 8080
    assert len(settings.inspection.signatures) == 1


def test_includes(tmp_path):
    write(tmp_path, "upstreams: {b: 'h:2'}\nroutes: [{upstream: b, path: /b}]\nspool: sp\n", "conf.d/b.yaml")
    write(tmp_path, "upstreams: {c: 'h:3'}\nlimits: {http: {head_fields: 50}}\n", "conf.d/c.yaml")
    path = write(
        tmp_path, GOOD + "include: [conf.d/*.yaml]\nroutes: [{upstream: app}]\nlimits: {http: {head_bytes: 64k}}\n"
    )
    loaded = config.load(path)
    assert [u.name for u in loaded.settings.upstreams] == ["app", "b", "c"]
    assert [r.path for r in loaded.settings.routes] == ["/", "/b"]
    assert loaded.settings.limits.http.head_bytes == 65536
    assert loaded.settings.limits.http.head_fields == 50
    assert loaded.settings.spool == str(tmp_path / "conf.d" / "sp")
    assert [f.name for f in loaded.files] == ["revproxy.yaml", "b.yaml", "c.yaml"]


def test_a_mistake_in_an_included_file_is_named_there(tmp_path):
    other = write(tmp_path, "\nworkers: x\n", "other.yaml")
    (error,) = errors_of(write(tmp_path, GOOD + "include: other.yaml\n"))
    assert (error.where.file, error.where.line, error.source) == (str(other), 2, "workers: x")


@pytest.mark.parametrize("second", ["workers: 2", "upstreams: {app: 'h:1'}"])
def test_what_is_set_twice_over_two_files(tmp_path, second):
    other = write(tmp_path, second, "other.yaml")
    errors = errors_of(write(tmp_path, GOOD + "include: other.yaml\nworkers: 1\n"))
    assert [(e.where.file, "is set already" in e.message) for e in errors] == [(str(other), True)]


def test_a_loop_over_two_files(tmp_path):
    other = write(tmp_path, "include: revproxy.yaml", "other.yaml")
    (error,) = errors_of(write(tmp_path, GOOD + "include: other.yaml\n"))
    assert error.where.file == str(other)
    assert "loop" in error.message


def test_a_loop_by_another_name_of_the_file(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/link.yaml").symlink_to("../revproxy.yaml")
    write(tmp_path, "include: ../conf.d/../other.yaml", "conf.d/a.yaml")
    write(tmp_path, "include: conf.d/a.yaml", "other.yaml")
    errors = errors_of(write(tmp_path, GOOD + "include: [conf.d/a.yaml, conf.d/link.yaml]\n"))
    assert len(errors) == 2
    assert all("includes itself" in error.message for error in errors)


@pytest.mark.parametrize("text", ["mail: " + "[" * 20_000, "mail: " + "{b: " * 5_000, "- " * 5_000 + "a"])
def test_what_is_nested_without_measure(tmp_path, text):
    with pytest.raises(ConfigError, match="nested deeper than 32 levels") as caught:
        config.load(write(tmp_path, GOOD + text if text[0] == "m" else text))
    assert caught.value.where.line > 0


def test_an_alias_in_its_own_anchor_in_two_files(tmp_path):
    write(tmp_path, "mail: &x {a: *x}", "other.yaml")
    errors = errors_of(write(tmp_path, GOOD + "include: other.yaml\nmail: &x {a: *x}\n"))
    assert "contains itself" in str(errors)


def test_a_pattern_may_match_nothing(tmp_path):
    (tmp_path / "conf.d").mkdir()
    config.load(write(tmp_path, GOOD + "include: conf.d/*.yaml"))


def test_a_route_changes_single_timeouts(tmp_path):
    text = "routes: [{upstream: app, timeouts: {connect: 1s}}]\nlimits: {timeouts: {keep_alive: 7s}}"
    settings = config.load(write(tmp_path, GOOD + text)).settings
    timeouts = settings.routes[0].timeouts
    assert (timeouts.connect, timeouts.keep_alive, timeouts.inspection) == (1.0, 7.0, 10.0)


def test_an_alias_is_whole_each_time(tmp_path):
    text = "routes: [&r {upstream: app, path: /a, timeouts: {connect: 1s}}]\nlogs: {access: &l {to: none}, audit: *l}"
    settings = config.load(write(tmp_path, GOOD + text)).settings
    assert settings.logs.access == settings.logs.audit == config.Log("none")


def test_words_that_yaml_takes_for_something_else(tmp_path):
    text = "routes: [{upstream: app, mode: off, name: 1}]\nadmin: off\ncontrol: {mode: 0640}\nworkers: auto"
    settings = config.load(write(tmp_path, GOOD + text)).settings
    assert settings.routes[0].mode is config.Mode.OFF
    assert settings.admin is None
    assert settings.control.mode == 0o640
    assert settings.workers >= 1


def test_notices(tmp_path):
    text = "mail: {domains: {example.org: mx}}\nupstreams: {app: 'h:1', mx: 'h:2'}\n"
    loaded = config.load(write(tmp_path, text + GOOD.splitlines()[0]))
    texts = [str(n) for n in loaded.notices]
    assert any("upstream 'app' is not used" in t and ":2:13: notice" in t for t in texts)
    assert any("no routes" in t for t in texts)
    assert any("no smtp listener" in t for t in texts)


def test_a_file_that_is_not_there(tmp_path):
    (error,) = errors_of(tmp_path / "none.yaml")
    assert error.where.file == str(tmp_path / "none.yaml")


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    errors_of(tmp_path / "x.yaml")


def test_the_template_is_the_example_and_loads(tmp_path):
    text = config.template()
    assert text == (ROOT / "config" / "revproxy.yaml").read_text()
    for folder in ("logs", "spool", "cache"):
        (tmp_path / folder).mkdir()
    loaded = config.load(write(tmp_path, text))
    assert loaded.notices == ()
    assert loaded.settings.limits == Limits()


def test_the_example_with_tls_loads(tmp_path):
    ca = trustme.CA()
    (tmp_path / "tls").mkdir()
    ca.cert_pem.write_to_path(tmp_path / "tls" / "internal-ca.pem")
    for name in ("www", "mail"):
        made = ca.issue_cert("www.example.org")
        made.cert_chain_pems[0].write_to_path(tmp_path / "tls" / f"{name}.pem")
        made.private_key_pem.write_to_path(tmp_path / "tls" / f"{name}.key")
    text = (ROOT / "config" / "web-and-mail.yaml").read_text().replace("/var/log/revproxy", str(tmp_path))
    settings = config.load(write(tmp_path, text + "spool: tls\ncache: tls\n")).settings
    assert [route.name for route in settings.routes][:2] == ["www.example.org/", "www.example.org/upload"]
    assert settings.routes[1].body_bytes == 2 * 1024**3
    assert settings.upstream("mailserver").client_address is config.ClientAddress.XCLIENT


def test_the_manual_names_every_key():
    manual = (ROOT / "docs" / "configuration.md").read_text()
    classes = (*vars(config).values(), *vars(model).values())
    made = {"domain", "http", "content", "smtp", "timeouts", "caps", "supply", "to", "queue_records"}
    for cls in filter(dataclasses.is_dataclass, classes):
        if cls.__module__ in ("revproxy.config.settings", "revproxy.model.limits") and cls is not config.Address:
            missing = {f.name for f in dataclasses.fields(cls) if f"`{f.name}`" not in manual} - made
            missing -= {name for name in missing if f"## {name}\n" in manual or f"{name}: " in manual}
            assert not missing, (cls, missing)


@given(st.text(max_size=200))
def test_any_text_loads_or_has_located_errors(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, "utf-8", "surrogatepass")
    # Anything else that is raised is a bug.
    with contextlib.suppress(LocatedError, ManyErrors):
        config.load(path)


def test_a_syslog_that_is_not_there_is_a_notice(tmp_path):
    loaded = config.load(write(tmp_path, GOOD + "logs: {audit: {to: 'syslog:/nowhere/log'}}\n"))
    assert any("there is no /nowhere/log" in notice.message for notice in loaded.notices)


def test_what_is_found_wrong_later_has_its_place(tmp_path):
    blame = config.load(write(tmp_path, GOOD + "logs: {access: {to: 'none'}}\ninspection: {disabled: a}\n")).blame
    assert str(blame("bad", ("logs", "access", "to"), "").where).endswith("revproxy.yaml:3:21")
    assert str(blame("bad", ("inspection", "disabled", 0), "").where).endswith("revproxy.yaml:4:24")
    # What was left out is of the nearest thing that it would stand in.
    assert str(blame("bad", ("logs", "audit", "to"), "").where).endswith("revproxy.yaml:3:7")
    assert str(blame("bad", ("control", "path"), "").where).endswith("revproxy.yaml")
    assert str(config.nowhere("bad", ("control", "path")).where) == "control.path"
