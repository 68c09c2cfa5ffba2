"""What records show of a rule's message and data where these have values of a peer filled in.

Nothing of a secret leaves this module: where one of the values may be secret, what was filled in is masked whole.
Bounds and escapes are the record's own matter.
"""

from __future__ import annotations

from revproxy.audit.masking import MASK
from revproxy.audit.redaction import is_secret_field, redact_text
from revproxy.model import Finding


def message_of(finding: Finding) -> bytes:
    """The message: of a finding that does not fill anything in, as the rule has it."""
    message = finding.message.encode("utf-8", "replace")
    return _masked(message, finding) if finding.filled else message


def data_of(finding: Finding) -> bytes:
    """What the rule says besides; nothing where it says nothing."""
    return _masked(finding.data, finding)


def _masked(text: bytes, finding: Finding) -> bytes:
    if not text:
        return text
    return MASK if any(is_secret_field(field, key) for field, key in finding.sources) else redact_text(text)
