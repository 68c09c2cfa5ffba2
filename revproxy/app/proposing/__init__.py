"""Exclusions proposed from audit records: what was denied, grouped, narrowed, and written as a patch.

    records -> evidence -> narrowing -> choosing -> patching -> telling

Only `records` and `patching` read files. An attacker writes in an audit log, too, by being denied: what is left out
rests on many clients over a long time, never on how often somebody asked (`evidence`), and a wider place or a wider
pattern of keys on evidence of what it adds (`narrowing`).
"""

from revproxy.app.proposing.choosing import Proposal
from revproxy.app.proposing.evidence import Demands
from revproxy.app.proposing.patching import tune
from revproxy.app.proposing.records import Denial, Denials, read_denials
from revproxy.app.proposing.telling import as_json, as_text, left_out, unread

__all__ = [
    "Demands",
    "Denial",
    "Denials",
    "Proposal",
    "as_json",
    "as_text",
    "left_out",
    "read_denials",
    "tune",
    "unread",
]
