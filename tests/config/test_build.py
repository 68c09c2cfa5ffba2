from pathlib import Path

import pytest

from revproxy import config
from revproxy.config.shipped import shipped_signatures

BASE = "listeners: [{name: web, kind: http, bind: '127.0.0.1:80'}]\n"
UPSTREAMS = "upstreams: {app: 'h:1', mx: {address: 'm:25', client_address: xclient, connections: 3}}\n"


@pytest.fixture
def settings(tmp_path):
    """The settings of a text behind a listener and two upstreams."""

    def make(text):
        (tmp_path / "revproxy.yaml").write_text(BASE + UPSTREAMS + text)
        return config.load(tmp_path / "revproxy.yaml").settings

    return make


def test_upstreams_short_and_long(settings):
    assert settings("").upstreams == (
        config.Upstream("app", config.Address("h", 1)),
        config.Upstream("mx", config.Address("m", 25), None, 3, config.ClientAddress.XCLIENT),
    )


def test_domains_short_and_long(settings):
    mail = settings(
        "mail: {hostname: MX.example.org, domains: {A.example: mx, b.example: {upstream: mx, mode: detect}}}"
    )
    assert mail.mail == config.Mail(
        "mx.example.org",
        (config.MailDomain("a.example", "mx"), config.MailDomain("b.example", "mx", config.Mode.DETECT)),
    )


@pytest.mark.parametrize(
    ("route", "name"),
    [("{upstream: app}", "*/"), ("{upstream: app, hosts: A.example, path: /x}", "a.example/x"),
     ("{upstream: app, name: api}", "api"), ("{upstream: app, hosts: []}", "*/")],
)  # fmt: skip
def test_names_of_routes(settings, route, name):
    assert settings(f"routes: [{route}]").routes[0].name == name


def test_signatures(settings, tmp_path):
    (tmp_path / "own.yaml").touch()
    assert settings("").inspection.signatures == (str(shipped_signatures()),)
    assert settings("inspection: {disabled: [a]}").inspection.signatures == (str(shipped_signatures()),)
    own = settings("inspection: {signatures: [shipped, own.yaml]}").inspection.signatures
    assert own == (str(shipped_signatures()), str(tmp_path / "own.yaml"))
    assert settings("inspection: {signatures: []}").inspection.signatures == ()


def test_the_shipped_signatures_are_there():
    assert Path(shipped_signatures()).is_dir()


@pytest.mark.parametrize(
    ("text", "target"),
    [("stdout", "stdout"), ("none", "none"), ("'syslog:/dev/log'", "syslog:/dev/log"),
     ("'syslog:Log.internal:514'", "syslog:log.internal:514"), ("{to: none, queue_records: 5}", "none"),
     ("{queue_records: 5}", "stdout")],
)  # fmt: skip
def test_logs(settings, text, target):
    assert settings(f"logs: {{audit: {text}}}").logs.audit.to == target


def test_an_error_log_is_for_who_wants_one(settings, tmp_path):
    assert settings("").logs.error.to == "none"
    logs = settings("logs: {error: {to: 'file:e.log', queue_records: 5}}").logs
    assert (logs.error.to, logs.error.queue_records) == (f"file:{tmp_path}/e.log", 5)


def test_files_of_logs_are_relative(settings, tmp_path):
    assert settings("logs: {access: 'file:a.log'}").logs.access.to == f"file:{tmp_path}/a.log"


@pytest.mark.parametrize("text", ["off", "none", "~", "false"])
def test_no_admin(settings, text):
    assert settings(f"admin: {text}").admin is None


def test_workers(settings):
    assert settings("workers: 3").workers == 3
    assert settings("workers: auto").workers >= 1


def test_durations_and_owner(settings):
    made = settings("drain_seconds: 2m\ncontrol: {owner: '0', path: c.sock}")
    assert made.drain_seconds == 120.0
    assert made.control.owner == "0"
    assert made.control.path.endswith("/c.sock")
