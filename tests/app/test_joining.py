"""What a process of its own does with a staged set; its bounds are `test_trying`'s."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from revproxy.app import joining
from revproxy.app.joining import join, main
from revproxy.app.linking import kept, linked_rules
from revproxy.config.loading import load
from revproxy.errors import SupplyError

GOOD = "SecRule ARGS 'attack' 'id:1,phase:2,deny'\n"
BOTH = "{signatures: [], rules: ['feed:ours', other.conf]}"


def test_linked_onto_what_is_in_force_and_kept(order, tmp_path):
    rules = [f"SecRule ARGS '@rx other-{n}[a-z]' 'id:{n},phase:2,deny'\n" for n in range(2, 9)]
    (tmp_path / "other.conf").write_text("".join(rules))
    one = order(inspection=BOTH, a_conf=GOOD)
    settings = load(one.config).settings
    other = settings.inspection.rules[1]
    whole = replace(settings, inspection=replace(settings.inspection, rules=(one.folder, other)))
    assert kept(whole) is None
    said = join(one, settings)
    found = kept(whole)
    assert said == {"ruleset": found.rules.name}
    assert [rule.id for rule in found.rules.rules] == ["1", *(str(n) for n in range(2, 9))]
    assert linked_rules(whole).rules.name == found.rules.name


def test_one_that_does_not_go_with_what_is_in_force(order, tmp_path):
    (tmp_path / "other.conf").write_text(GOOD)
    one = order(inspection=BOTH, a_conf=GOOD)
    with pytest.raises(SupplyError, match="1") as caught:
        join(one, load(one.config).settings)
    assert caught.value.step == "configuration"


def test_what_it_is_told(order, monkeypatch):
    one = order(a_conf=GOOD)
    settings = load(one.config).settings
    monkeypatch.setattr(joining, "answer", lambda order, work: (order, work()))
    monkeypatch.setattr(joining, "join", lambda *told: told)
    assert main(pickle.dumps((one, settings))) == (one, (one, settings))
