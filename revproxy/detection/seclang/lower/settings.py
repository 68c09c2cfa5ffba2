"""Settings that hold for every transaction, as rules: what `ctl` can say of one, these say of all.

The last directive of a name wins, wherever it stands, as in ModSecurity and Coraza. `On` is what is done anyway.
"""

from __future__ import annotations

from collections.abc import Iterable

from revproxy.detection.rules import Condition, Control, Rule, SetControl
from revproxy.detection.seclang.tree import Setting
from revproxy.model import Action, Phase, Protocol, Severity

_CONTROLS = {
    "SecRequestBodyAccess": Control.BODY_ACCESS,
    "SecResponseBodyAccess": Control.REPLY_BODY_ACCESS,
}


def rules_of(settings: Iterable[Setting]) -> list[Rule]:
    """Rules that go before all others, one for each access that is off."""
    last = {setting.name: setting for setting in settings if setting.name in _CONTROLS}
    return [_rule(setting) for setting in last.values() if setting.values[0].value == b"Off"]


def _rule(setting: Setting) -> Rule:
    condition = Condition((), (), effects=(SetControl(_CONTROLS[setting.name], "off"),))
    return Rule(
        id=setting.name,
        protocols=frozenset({Protocol.HTTP}),
        phase=Phase.HEAD,
        conditions=(condition,),
        severity=Severity.NOTICE,
        score=0,
        message="",
        action=Action.ALLOW,
        logs=False,
        origin=setting.where,
    )
