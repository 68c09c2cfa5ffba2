from dataclasses import replace

import pytest

from revproxy.dmz import Chain, Layout, NftSet, Role, Table, differences, table

SMALL = Table(
    "t",
    (NftSet("dmz4", "ipv4_addr", ("10.0.0.0/24", "10.0.2.0/24")), NftSet("rate4", "ipv4_addr", (), 10, 60)),
    (
        Chain(
            "input", ("a accept", "b accept", "counter drop"), "type filter hook input priority filter; policy drop;"
        ),
    ),
)


def changed(rules, hook=SMALL.chains[0].hook):
    return replace(SMALL, chains=(Chain("input", rules, hook),))


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        (SMALL, []),
        (None, ["- table t: nothing of it is in force"]),
        (changed(("a accept", "counter drop")), ["- chain input: b accept"]),
        (changed(("a accept", "c accept", "b accept", "counter drop")), ["+ chain input: c accept"]),
        (changed(("b accept", "a accept", "counter drop")), ["+ chain input: b accept", "- chain input: b accept"]),
        (
            changed(SMALL.chains[0].rules, "type filter hook input priority filter; policy accept;"),
            [
                "- chain input: type filter hook input priority filter; policy drop;",
                "+ chain input: type filter hook input priority filter; policy accept;",
            ],
        ),
        (replace(SMALL, flags=("dormant",)), ["+ table t: dormant"]),
        (
            replace(SMALL, chains=(*SMALL.chains, Chain("extra", ("accept",)))),
            ["+ chain extra", "+ chain extra: ", "+ chain extra: accept"],
        ),
        (replace(SMALL, sets=SMALL.sets[:1]), ["- set rate4", "- set rate4: type ipv4_addr", "- set rate4: size 10",
                                               "- set rate4: timeout 60s"]),
        (
            replace(SMALL, sets=(NftSet("dmz4", "ipv4_addr", ("10.0.0.0/24", "10.0.3.0/24")), SMALL.sets[1])),
            ["- set dmz4: 10.0.2.0/24", "+ set dmz4: 10.0.3.0/24"],
        ),
    ],
)  # fmt: skip
def test_differences(found, lines):
    assert differences(SMALL, found) == lines


def test_every_rule_that_is_gone_is_missed(flows):
    """Of every machine: no rule of any chain can be taken out, nor any be added, unseen."""
    for role in Role:
        whole = table(flows, role, Layout.DUAL)
        for i, chain in enumerate(whole.chains):
            for j, rule in enumerate(chain.rules):
                for rules, sign in (
                    ((*chain.rules[:j], *chain.rules[j + 1 :]), "-"),
                    ((*chain.rules[:j], "counter accept", *chain.rules[j:]), "+"),
                ):
                    chains = (*whole.chains[:i], replace(chain, rules=rules), *whole.chains[i + 1 :])
                    wrong = rule if sign == "-" else "counter accept"
                    assert differences(whole, replace(whole, chains=chains)) == [
                        f"{sign} chain {chain.name}: {wrong}"
                    ]
