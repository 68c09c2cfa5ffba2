"""Every limit on what a peer may make us hold, read or wait for, with its unit. Defaults are the shipped ones.

Bytes unless the name says otherwise; seconds for everything in `Timeouts` and whatever else is a float. No reader has
a limit of its own: each takes the number that it needs from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Limits on one HTTP exchange."""

    head_bytes: int = 32 * 1024
    head_fields: int = 100
    target_bytes: int = 31 * 1024
    body_bytes: int = 16 * 1024 * 1024
    """A request body larger than this is answered 413. A route may set its own."""
    chunk_line_bytes: int = 256
    trailer_bytes: int = 8 * 1024
    body_memory_bytes: int = 512 * 1024
    """A body up to this stays in memory; a larger one goes to a spool file."""
    response_inspect_bytes: int = 512 * 1024
    """A response of an inspected type is held up to this; what is longer streams on after that much was judged."""
    requests_per_connection: int = 100_000


@dataclass(frozen=True, slots=True)
class ContentLimits:
    """Limits on taking a body or a message apart."""

    structured_bytes: int = 2 * 1024 * 1024
    """Largest urlencoded, JSON or XML body, decoded: these are read whole."""
    arguments: int = 10_000
    argument_bytes: int = 1024 * 1024
    """Longest single text value; longer file contents are inspected in windows instead."""
    json_depth: int = 128
    xml_depth: int = 128
    xml_nodes: int = 50_000
    parts: int = 1_000
    part_head_bytes: int = 16 * 1024
    inflate_ratio: int = 100
    """Decoded bytes for each encoded byte, after the first 64 KiB."""
    window_bytes: int = 256 * 1024
    """Long contents are inspected in windows of this size ..."""
    window_overlap_bytes: int = 4 * 1024
    """... that overlap by this much."""
    mime_depth: int = 16
    mime_parts: int = 500
    mime_lines: int = 600_000
    """Lines of a message; a reader of MIME pays for each, however short, and again for each level around it."""
    message_head_bytes: int = 256 * 1024
    """The header of a message, and of each of its parts; a `Content-` field of them has `part_head_bytes`."""
    archive_entries: int = 1_000
    archive_depth: int = 3
    archive_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SmtpLimits:
    """Limits on one SMTP session."""

    message_bytes: int = 32 * 1024 * 1024
    line_bytes: int = 998
    """RFC 5321 4.5.3.1.6, without the CRLF."""
    command_bytes: int = 510
    recipients: int = 100
    commands: int = 1_000
    errors: int = 10
    messages_per_session: int = 100
    header_bytes: int = 256 * 1024
    message_memory_bytes: int = 512 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that each state may last. Progress means: at least one byte."""

    tls_handshake: float = 10.0
    request_head: float = 15.0
    """From the first byte of a head to its end: absolute, trickling does not help."""
    request_body_idle: float = 15.0
    request_body_total: float = 300.0
    keep_alive: float = 60.0
    connect: float = 5.0
    upstream_response: float = 60.0
    """From the last byte sent inside to the first byte of the answer."""
    upstream_idle: float = 60.0
    upstream_keep_alive: float = 50.0
    write_stall: float = 30.0
    """A peer that takes no byte for so long is cut off."""
    pool_wait: float = 5.0
    smtp_command: float = 300.0
    smtp_data: float = 300.0
    """Between two pieces of a message (RFC 5321 4.5.3.2.5 asks for three minutes)."""
    smtp_data_total: float = 900.0
    """From our 354 to the end of a message: absolute, trickling does not help."""
    smtp_session: float = 1800.0
    smtp_upstream: float = 60.0
    smtp_upstream_data: float = 600.0
    inspection: float = 10.0


@dataclass(frozen=True, slots=True)
class Caps:
    """What one worker may hold for everybody together."""

    connections: int = 10_000
    connections_per_address: int = 200
    spool_bytes: int = 8 * 1024 * 1024 * 1024
    memory_bytes: int = 256 * 1024 * 1024
    """Bytes of bodies and messages that all transactions together may hold in memory."""
    retry_after: int = 5
    """Seconds that a 503 asks a client to wait."""


@dataclass(frozen=True, slots=True)
class SupplyLimits:
    """What an update of signatures may take, whoever offers them."""

    archive_bytes: int = 32 * 1024 * 1024
    """A set as it is downloaded."""
    unpacked_bytes: int = 128 * 1024 * 1024
    """All files of a set together."""
    file_bytes: int = 16 * 1024 * 1024
    """One of them."""
    files: int = 5_000
    download_seconds: float = 300.0
    """All downloads of an update together: absolute, trickling does not help."""
    idle_seconds: float = 15.0
    """Connecting and the head of an answer, and between two pieces of it."""
    rate_bytes: int = 1024
    """A download that brings fewer bytes each second, after the first `idle_seconds`, is given up."""
    trial_seconds: float = 600.0
    """Compiling a set and running its samples."""
    trial_cpu_seconds: int = 900
    trial_memory_bytes: int = 4 * 1024 * 1024 * 1024
    """Address space of the process that does it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """All of them."""

    http: HttpLimits = field(default_factory=HttpLimits)
    content: ContentLimits = field(default_factory=ContentLimits)
    smtp: SmtpLimits = field(default_factory=SmtpLimits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    caps: Caps = field(default_factory=Caps)
    supply: SupplyLimits = field(default_factory=SupplyLimits)
