"""What a set has to stand. The bounds on memory and time are `test_trying`'s, which starts the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from revproxy.app import linking
from revproxy.app.trial import Confined, attempt
from revproxy.app.trying import TRIAL
from revproxy.errors import SupplyError

GOOD = "SecRule ARGS 'attack' 'id:1,phase:2,deny'\n"


def refused(order, why, step="compile"):
    with pytest.raises(SupplyError, match=why) as caught:
        attempt(order)
    assert caught.value.step == step


def test_a_good_set(order, signatures):
    done = attempt(order("signatures", "{signatures: ['feed:ours']}", a_yaml=Path(signatures).read_text()))
    assert (done.rules, done.samples) == (1, 2)
    assert done.ruleset


def test_a_set_that_the_configuration_does_not_use_yet(order):
    assert attempt(order(inspection="{signatures: []}", a_conf=GOOD)).ruleset == ""


def test_a_set_beside_a_feed_that_has_none_is_tried_without_that(order, signatures):
    """Or the first of two feeds would wait for the other one, and that for the first."""
    text = Path(signatures).read_text()
    both = order("signatures", "{signatures: ['feed:ours', 'feed:house']}", a_yaml=text)
    done = attempt(both)
    assert (done.rules, done.samples, done.ruleset) == (1, 2, "")
    Path(both.folder, "a.yaml").write_text(text.replace('q: "attack-1"', 'q: "harmless too"'))
    refused(both, "1 failed", "samples")


def test_a_set_alone_is_linked_onto_the_one_before(order, signatures, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    seen = []
    real = linking.KeptSets.find
    monkeypatch.setattr(linking.KeptSets, "find", lambda *found: seen.append(real(*found)) or seen[-1])
    one = replace(order("signatures", a_yaml=Path(signatures).read_text()), config="")
    assert attempt(one) == attempt(one)
    Path(one.folder, "b.yaml").write_text(Path(signatures).read_text().replace("id: one", "id: two"))
    assert attempt(one).samples == 4
    assert seen[-2].rules.patched is False
    assert [rule.id for rule in seen[-1].rules.rules] == ["one"]


def test_a_set_without_signatures_is_none(order):
    """It would come through shadow without a new denial, and then detect nothing."""
    refused(order("signatures", a_yaml="signatures: []\n"), "no signature in it")


def test_a_set_alone_at_the_highest_level(order):
    text = (
        f"SecRule TX:DETECTION_PARANOIA_LEVEL '@lt 4' 'id:2,phase:2,pass,nolog,skipAfter:END'\n{GOOD}SecMarker END\n"
    )
    assert attempt(replace(order(a_conf=text), config="")).rules == 1


def test_a_set_that_does_not_compile(order):
    refused(order(a_conf="SecRule ARGS '@rx (' 'id:1,phase:2,deny'\n"), r"a\.conf:1")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SecRuleEngine Off\n" + GOOD, "no rule in it that is in force"),
        ("# nothing\n", "no rule in it that is in force"),
        ("SecRuleEngine DetectionOnly\n" + GOOD, "turns enforcing off"),
        ("SecRule ARGS '@pmFromFile /etc/passwd' 'id:1,phase:2,deny'\n", "outside of the set"),
        ("SecRule ARGS '@pmFromFile ../revproxy.yaml' 'id:1,phase:2,deny'\n", "outside of the set"),
        ("Include /etc/hostname\n", "outside of the set"),
    ],
)
def test_sets_that_are_not_what_a_set_is(order, text, why):
    refused(order(a_conf=text), why)


def test_samples_that_fail(order, signatures):
    text = Path(signatures).read_text().replace("harmless", "attack-2")
    refused(
        order("signatures", "{signatures: ['feed:ours']}", a_yaml=text), "1 failed: .*a.yaml.* one matches", "samples"
    )


def test_a_set_that_does_not_go_with_the_configuration(order):
    inspection = "{signatures: [], rules: ['feed:ours'], exclusions: [{rules: [942100]}]}"
    refused(order(inspection=inspection, a_conf=GOOD), "no rule '942100'", "configuration")


def test_a_configuration_that_is_wrong(order):
    refused(order(inspection="nonsense", a_conf=GOOD), r"revproxy\.yaml:6", "configuration")


def test_a_set_reads_only_what_it_holds(tmp_path):
    inside = tmp_path / "set"
    inside.mkdir()
    (inside / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    (inside / "link").symlink_to(tmp_path / "b")
    confined = Confined(str(inside))
    assert confined.read(str(inside / "a")) == b"a"
    assert confined.glob(f"{tmp_path}/*/*") == [str(inside / "a")]
    for name in (tmp_path / "b", inside / "../b", inside / "link"):
        with pytest.raises(OSError, match="outside of the set"):
            confined.read(str(name))


def test_it_says_one_object(order):
    done = subprocess.run(
        [sys.executable, "-m", "revproxy.app.trial", str(os.getpid())],
        input=json.dumps(asdict(order(a_conf=GOOD))),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["tried"]["rules"] == 1


def test_a_trial_for_which_nobody_waits():
    done = subprocess.run([*TRIAL, "1"], input="", text=True, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
