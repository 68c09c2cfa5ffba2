"""Floor 1: the nouns. No I/O, no clock, no protocol."""

from revproxy.model.finding import ALLOWED, SEVERITY_SCORE, Action, Finding, Severity, Verdict
from revproxy.model.limits import Caps, ContentLimits, HttpLimits, Limits, SmtpLimits, SupplyLimits, Timeouts
from revproxy.model.phase import Phase, Protocol
from revproxy.model.transaction import UNTOUCHED, Controls, Fields, Scores, Transaction

__all__ = [
    "ALLOWED",
    "SEVERITY_SCORE",
    "UNTOUCHED",
    "Action",
    "Caps",
    "ContentLimits",
    "Controls",
    "Fields",
    "Finding",
    "HttpLimits",
    "Limits",
    "Phase",
    "Protocol",
    "Scores",
    "Severity",
    "SmtpLimits",
    "SupplyLimits",
    "Timeouts",
    "Transaction",
    "Verdict",
]
