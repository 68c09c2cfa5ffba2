import pytest

from revproxy.config import Address, load
from revproxy.config.checks import _collide
from revproxy.errors import ManyErrors

ONE = Address("127.0.0.1", 80)


@pytest.mark.parametrize(
    ("other", "collide"),
    [
        (Address("127.0.0.1", 80), True),
        (Address("0.0.0.0", 80), True),
        (Address("127.0.0.2", 80), False),
        (Address("127.0.0.1", 81), False),
        (Address("::", 80), False),
    ],
)
def test_which_addresses_collide(other, collide):
    assert _collide(ONE, other) is collide
    assert _collide(other, ONE) is collide


def test_port_0_never_does():
    assert not _collide(Address("127.0.0.1", 0), Address("127.0.0.1", 0))


def test_a_good_one_for_web_and_mail_is_quiet(tmp_path):
    path = tmp_path / "revproxy.yaml"
    for folder in ("spool", "cache"):
        (tmp_path / folder).mkdir()
    path.write_text(
        "listeners: [{name: w, kind: http, bind: '127.0.0.1:80'}, {name: m, kind: smtp, bind: '127.0.0.1:25'}]\n"
        "upstreams: {app: 'h:1', mx: 'm:25'}\n"
        "routes: [{upstream: app, path: /}, {upstream: app, path: /a}, {upstream: app, hosts: [a.example]}]\n"
        "mail: {hostname: mx.example.org, domains: {example.org: mx, example.net: mx}}\n"
        "spool: spool\ncache: cache\n"
    )
    assert load(path).notices == ()


def test_all_that_does_not_fit_is_shown_at_once(tmp_path):
    path = tmp_path / "revproxy.yaml"
    path.write_text(
        "listeners: [{name: w, kind: http, bind: '127.0.0.1:80'}, {name: w, kind: http, bind: '127.0.0.1:80'}]\n"
        "upstreams: {app: 'h:1'}\n"
        "routes: [{upstream: ap}]\n"
    )
    with pytest.raises(ManyErrors) as caught:
        load(path)
    assert [e.where.line for e in caught.value.errors] == [1, 1, 3]


def test_a_sandbox_that_is_required_is_not_off(tmp_path):
    path = tmp_path / "revproxy.yaml"
    begin = (
        "listeners: [{name: w, kind: http, bind: '127.0.0.1:80'}]\nupstreams: {a: 'h:1'}\nroutes: [{upstream: a}]\n"
    )
    path.write_text(f"{begin}sandbox: off\nrequire_sandbox: true\n")
    with pytest.raises(ManyErrors) as caught:
        load(path)
    said = {(e.where.line, e.message) for e in caught.value.errors}
    assert (5, "the sandbox is required, and it is off") in said


EXCLUSIONS = """\
listeners: [{name: w, kind: http, bind: "127.0.0.1:80"}, {name: m, kind: smtp, bind: "127.0.0.1:25"}]
upstreams: {app: "h:1", mx: "m:25"}
mail: {hostname: mx.example.org, domains: {a.example: {upstream: mx, exclusions: [%s]}}}
routes: [{upstream: app, path: /shop, exclusions: [%s]}]
inspection: {exclusions: [%s]}
spool: .
cache: .
"""


@pytest.mark.parametrize(
    ("mail", "route", "common", "where"),
    [
        (
            "{rules: x, reason: r}",
            "{tags: x, path: /shop/a}, {fields: args, path: /shop}",
            "{rules: 1, hosts: b}",
            None,
        ),
        ("{}", "", "", "3: this leaves out nothing"),
        ("{rules: x, hosts: b.example}", "", "", "3: hosts are for the exclusions of inspection"),
        ("{rules: x, path: /a}", "", "", "3: mail has no path"),
        ("", "{reason: r}", "", "4: this leaves out nothing"),
        ("", "{rules: x, hosts: b.example}", "", "4: hosts are for the exclusions of inspection"),
        ("", "{rules: x, path: /shopping}", "", "4: /shopping is not below /shop"),
        ("", "", "{path: /a}", "5: this leaves out nothing"),
        ("", "", "{rules: x, field: a}", "5: unknown setting 'field'"),
    ],
)
def test_exclusions(tmp_path, mail, route, common, where):
    path = tmp_path / "revproxy.yaml"
    path.write_text(EXCLUSIONS % (mail, route, common))
    if where is None:
        made = load(path).settings
        assert [e.path for e in made.routes[0].exclusions] == ["/shop/a", "/shop"]
        assert made.mail.domains[0].exclusions[0].reason == "r"
        assert made.inspection.exclusions[0].hosts == ("b",)
        return
    with pytest.raises(ManyErrors) as caught:
        load(path)
    (error,) = caught.value.errors
    assert f"{error.where.line}: {error.message}".startswith(where)
    assert error.where.column
