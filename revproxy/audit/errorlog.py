"""One line of text for each finding, in the form that ModSecurity gives to the error log of a web server.

    TIME [error] [client ADDRESS] revproxy: Warning. Matched FIELD:KEY. [id "942100"] [msg "..."] [data "..."] ...

Programs that read such logs look for the parts in brackets: go-ftw, which runs the tests of OWASP CRS, for `[id "N"]`
and for the message of a marker rule. The text is ASCII and bounded; a quote, a backslash and every byte that is not
printable ASCII is written as `\\xNN`, so that no value ends its part, its line or the terminal of who reads it.
Secrets are masked as in audit records. Nothing here writes.
"""

from __future__ import annotations

from typing import Final

from revproxy.audit.access import timestamp
from revproxy.audit.findings import KEY_BYTES
from revproxy.audit.redaction import redact_target, redact_text
from revproxy.audit.telling import data_of, message_of
from revproxy.model import Action, Finding, Verdict

TEXT_BYTES: Final = 512
"""Most bytes of a message, of data and of a URI, each before it is escaped."""
TAG_BYTES: Final = 64
TAGS: Final = 32
"""Most tags of a line."""
_ESCAPES: Final = {byte: f"\\x{byte:02x}" for byte in range(256) if not 0x20 <= byte < 0x7F or byte in b'"\\'}


def encode_error(
    finding: Finding,
    *,
    id: str,  # noqa: A002 - the record's own word
    ts: float,
    verdict: Verdict,
    client: str = "",
    host: bytes = b"",
    target: bytes = b"",
) -> bytes:
    """The line of a finding, without its end.

    `id` is the transaction's and `ts` when it began (`time.time()`); `verdict` the transaction's. `host` and `target`
    are the request's; mail has none.
    """
    refused = verdict.enforced and finding.action is not Action.ALLOW and verdict.reason == finding.rule
    outcome = f"Access denied (phase {int(finding.phase)})." if refused else "Warning."
    key = redact_text(finding.key[:KEY_BYTES])
    where = f"{finding.field}:{_escaped(key)}" if key else finding.field
    parts = [
        ("id", finding.rule.encode("utf-8")),
        ("msg", message_of(finding)),
        ("data", data_of(finding)),
        ("severity", finding.severity.name.encode("ascii")),
        *(("tag", tag.encode("utf-8")[:TAG_BYTES]) for tag in finding.tags[:TAGS]),
        ("hostname", host),
        ("uri", redact_target(target.partition(b"?")[0])),
        ("unique_id", id.encode("ascii", "replace")),
    ]
    told = " ".join(f'[{name} "{_escaped(value)}"]' for name, value in parts if value)
    line = f"{timestamp(ts)} [error] [client {client}] revproxy: {outcome} Matched {where}. {told}"
    return line.encode("ascii", "replace")


def _escaped(value: bytes) -> str:
    return value[:TEXT_BYTES].decode("latin-1").translate(_ESCAPES)
