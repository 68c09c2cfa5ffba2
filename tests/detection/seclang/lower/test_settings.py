"""Settings of every transaction as rules."""

import pytest

from revproxy.detection.rules import Control, SetControl
from revproxy.model import Phase

RULE = 'SecRule ARGS "@rx a" "id:1,phase:2,deny"\n'


@pytest.mark.parametrize(
    ("name", "control"),
    [("SecRequestBodyAccess", Control.BODY_ACCESS), ("SecResponseBodyAccess", Control.REPLY_BODY_ACCESS)],
)
def test_what_is_off_is_off_for_every_transaction(lowered, name, control):
    first, second = lowered(f"{RULE}{name} Off\n").rules
    assert (first.id, first.phase, first.logs) == (name, Phase.HEAD, False)
    assert first.conditions[0].effects == (SetControl(control, "off"),)
    assert (first.origin.line, second.id) == (2, "1")


@pytest.mark.parametrize("text", ["SecRequestBodyAccess On", "SecResponseBodyAccess Off\nSecResponseBodyAccess On"])
def test_the_last_one_wins(lowered, text):
    assert [rule.id for rule in lowered(f"{text}\n{RULE}").rules] == ["1"]
