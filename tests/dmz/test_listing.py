import json
from pathlib import Path

import pytest

from revproxy.dmz import Layout, Owners, Role, in_force, listing, table, table_of
from revproxy.errors import RevproxyError

DATA = Path(__file__).resolve().parents[1] / "data" / "dmz"
LISTING = (DATA / "host.json").read_text()
"""What nft 1.0.6 said after `nft -f host.nft`."""


def rule(*expressions, **more):
    body = {"family": "inet", "table": "t", "chain": "c", "handle": 4, "expr": list(expressions), **more}
    entries = [{"table": {"family": "inet", "name": "t"}}, {"chain": {"family": "inet", "table": "t", "name": "c"}}]
    found = table_of(json.dumps({"nftables": [*entries, {"rule": body}]}), "t")
    return found.chains[0].rules[0]


def payload(protocol, field, right, op="=="):
    return {"match": {"op": op, "left": {"payload": {"protocol": protocol, "field": field}}, "right": right}}


def test_what_was_listed_is_what_was_printed(flows):
    assert table_of(LISTING, "revproxy_host") == table_without_flags(table(flows, Role.HOST, Layout.DUAL))


def table_without_flags(one):
    assert one.flags == ()
    return one


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("layout", Layout)
def test_what_the_kernel_has_is_what_was_printed(flows, listing, role, layout):
    made = table(flows, role, layout)
    assert table_of(listing(made.text()), made.name) == made


def test_users_of_sockets_too(flows, listing):
    made = table(flows, Role.HOST, Layout.DUAL, Owners(64001, 64002))
    assert "meta skuid 64001 ct state new goto from_workers" in made.text()
    assert made.text().count("meta skuid 64002 tcp dport") == 3
    assert table_of(listing(made.text()), made.name) == made


def test_only_the_table_of_that_name_and_family():
    assert table_of(LISTING, "revproxy_outer") is None
    assert table_of(LISTING.replace('"inet"', '"ip"'), "revproxy_host") is None
    assert table_of('{"nftables": []}', "revproxy_host") is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"nftables": [1]}', '{"nftables": {"a": 1}}', "[" * 100_000]
)
def test_no_listing(text):
    with pytest.raises(RevproxyError, match="this is no output of"):
        table_of(text, "revproxy_host")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (payload("ip", "saddr", "10.0.0.1"), "ip saddr 10.0.0.1"),
        (payload("ip", "saddr", "10.0.0.1", "!="), "ip saddr != 10.0.0.1"),
        (payload("ip", "saddr", {"prefix": {"addr": "10.0.0.0", "len": 8}}), "ip saddr 10.0.0.0/8"),
        (payload("ip", "daddr", {"set": ["10.0.0.9", "10.0.0.1"]}), "ip daddr { 10.0.0.1, 10.0.0.9 }"),
        (payload("ip", "daddr", {"range": ["10.0.0.0", "10.0.0.191"]}), "ip daddr { 10.0.0.0/25, 10.0.0.128/26 }"),
        (payload("ip6", "daddr", {"set": [{"prefix": {"addr": "fd00::", "len": 8}}]}), "ip6 daddr fd00::/8"),
        (payload("ip", "saddr", "@dmz4"), "ip saddr @dmz4"),
        (payload("tcp", "dport", {"set": [80, 443]}), "tcp dport { 80, 443 }"),
        ({"jump": {"target": "x"}}, "jump x"),
        ({"counter": None}, "counter"),
        ({"limit": {"rate": 5, "burst": 20, "per": "second"}}, "limit rate 5/second burst 20 packets"),
    ],
)
def test_words(expression, text):
    assert rule(expression) == text
    assert rule(expression, comment="why") == f'{text} comment "why"'


@pytest.mark.parametrize(
    "expression",
    [
        {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}},
        payload("tcp", "dport", {"range": [1, 1024]}),
        payload("tcp", "dport", 1024, "<"),
        {"match": {"op": "==", "left": {"ct": {"key": "bytes", "dir": "original"}}, "right": 1}},
        {"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 1}},
        payload("ip", "saddr", {"|": ["10.0.0.1", 1]}),
        payload("ip", "saddr", 1),
        payload("tcp", "dport", {"set": [{"elem": {"val": 1}}]}),
        {"reject": {"type": "tcp reset", "x": 1}},
        {"log": {"prefix": "a", "level": "info", "group": 1}},
        {"limit": {"rate": 1, "burst": 1, "per": "second", "rate_unit": "kbytes"}},
        {"counter": "number 1"},
        {"accept": {"x": 1}},
    ],
)
def test_what_we_never_print_differs_from_all_that_we_do(expression):
    """It is shown as it is; nothing of it is lost on the way to a word that looks like one of ours."""
    assert json.loads(rule(expression)) == expression


@pytest.mark.parametrize("element", [{"concat": ["10.0.0.1", 80]}, {"elem": {"val": "10.0.0.1", "timeout": 9}}, 7])
def test_an_element_that_we_never_print(element):
    named = {"family": "inet", "table": "t", "name": "dmz4", "type": "ipv4_addr", "elem": ["10.0.0.9", element]}
    entries = [{"table": {"family": "inet", "name": "t"}}, {"set": named}]
    assert table_of(json.dumps({"nftables": entries}), "t").sets[0].elements == (
        '"10.0.0.9"',
        json.dumps(element, sort_keys=True),
    )


def test_a_table_that_sleeps_and_objects_that_are_not_ours():
    entries = [
        {"table": {"family": "inet", "name": "t", "flags": ["dormant"]}},
        {"map": {"family": "inet", "table": "t", "name": "m", "handle": 9}},
    ]
    found = table_of(json.dumps({"nftables": entries}), "t")
    assert found.flags == ("dormant", 'map {"family": "inet", "name": "m", "table": "t"}')


def test_nft_that_is_not_there(monkeypatch):
    monkeypatch.setattr(listing, "_PLACES", "/nowhere")
    with pytest.raises(RevproxyError, match="nft is not installed"):
        in_force()


@pytest.fixture
def nft(tmp_path, monkeypatch):
    """A program of that name that does what the test says."""

    def make(script):
        program = tmp_path / "nft"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(listing, "_PLACES", str(tmp_path))

    return make


def test_what_nft_says(nft):
    nft('echo "$@"')
    assert in_force() == "-j list ruleset\n"


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("echo no permission >&2; exit 1", "no permission"),
        ("exit 3", "it ended with 3"),
        ("exec sleep 60", "timed out"),
    ],
)
def test_nft_that_fails(nft, monkeypatch, script, text):
    nft(script)
    monkeypatch.setattr(listing, "SECONDS", 0.2 if "sleep" in script else 30.0)
    with pytest.raises(RevproxyError, match=text):
        in_force()
