"""Floor 4: access log, audit record, error log, redaction, metrics.

The data path encodes a record (`encode_*`), hands it to `Records` and goes on; it counts in `Metrics`. Nothing here
can hold it up.
"""

from revproxy.audit.access import encode_http_access, encode_smtp_access, timestamp
from revproxy.audit.errorlog import encode_error
from revproxy.audit.findings import About, Frame, encode_finding, encode_staged, frame_of, seen
from revproxy.audit.metrics import BUCKETS, METRICS, Histogram, Metrics, merge
from revproxy.audit.records import Records
from revproxy.audit.redaction import excerpt, is_secret_name, redact_target, redact_text

__all__ = [
    "BUCKETS",
    "METRICS",
    "About",
    "Frame",
    "Histogram",
    "Metrics",
    "Records",
    "encode_error",
    "encode_finding",
    "encode_http_access",
    "encode_smtp_access",
    "encode_staged",
    "excerpt",
    "frame_of",
    "is_secret_name",
    "merge",
    "redact_target",
    "redact_text",
    "seen",
    "timestamp",
]
