"""The words of SecLang, as literal tables: directives, variables, operators, actions, options of `ctl`.

Each row says what stands with the word and what becomes of it (`Status`). `docs/seclang.md` is written from these.
"""

from revproxy.detection.seclang.vocabulary.actions import ACTIONS, ActionSpec, Kind, Takes
from revproxy.detection.seclang.vocabulary.ctl import CTL, CtlSpec, Value
from revproxy.detection.seclang.vocabulary.directives import DIRECTIVES, DirectiveSpec, Form
from revproxy.detection.seclang.vocabulary.operators import OPERATORS, OperatorSpec
from revproxy.detection.seclang.vocabulary.status import Status
from revproxy.detection.seclang.vocabulary.variables import VARIABLES, Keys, VariableSpec

__all__ = [
    "ACTIONS",
    "CTL",
    "DIRECTIVES",
    "OPERATORS",
    "VARIABLES",
    "ActionSpec",
    "CtlSpec",
    "DirectiveSpec",
    "Form",
    "Keys",
    "Kind",
    "OperatorSpec",
    "Status",
    "Takes",
    "Value",
    "VariableSpec",
]
