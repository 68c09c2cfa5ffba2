"""The program's own messages: stdlib logging to stderr, one line a record.

Access and audit records are not these: they are `audit`'s. A traceback is written below its record, and is the one
thing that takes more than a line: it is a bug of ours.
"""

from __future__ import annotations

import logging
import sys
import time

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class OneLine(logging.Formatter):
    """Line breaks in a message (located errors have some) become ` | `, so that a record stays one line."""

    converter = staticmethod(time.gmtime)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name that logging calls
        """The record's line, without its traceback."""
        return " | ".join(part.strip() for part in super().formatMessage(record).splitlines())


def configure(level: str, who: str) -> None:
    """Send the messages of this process to stderr; `who` stands on every line. Unknown levels are `info`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        OneLine(f"%(asctime)s.%(msecs)03dZ %(levelname)s {who} %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
    )
    logging.basicConfig(level=_LEVELS.get(level, logging.INFO), handlers=[handler], force=True)
