"""What an operator is told when a log does not work: a few lines on stderr, however many records are lost.

A line when it begins to fail, one a minute at most while that goes on, one when it works again. A log that comes and
goes is told no more often. Used by the log's writer thread only; nothing here counts or retries.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

QUIET_SECONDS = 60.0
"""Between two warnings of one log."""

log = logging.getLogger("revproxy.audit")


class Faults:
    """The warnings of one log."""

    __slots__ = ("_clock", "_dropped", "_kind", "_quiet_until", "_reopen_quiet_until", "_to", "_told")

    def __init__(
        self, kind: str, to: str, dropped: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`dropped` gives the number of lost records since the start."""
        self._kind = kind
        self._to = to
        self._dropped = dropped
        self._clock = clock
        self._told = False
        self._quiet_until = self._reopen_quiet_until = clock()

    def tell(self, trouble: str) -> None:
        """`trouble` is why the log does not work now, empty when it does. Cheap when there is nothing to say."""
        if not trouble:
            if self._told:
                self._told = False
                log.warning(
                    "the %s log (%s) works again; %d records lost so far", self._kind, self._to, self._dropped()
                )
            return
        now = self._clock()
        if now < self._quiet_until:
            return
        self._quiet_until = now + QUIET_SECONDS
        self._told = True
        log.warning(
            "the %s log (%s) fails: %s; %d records lost so far", self._kind, self._to, trouble, self._dropped()
        )

    def reopen_failed(self, trouble: str) -> None:
        """After a rotation the log could not be opened again: records go on into what was open."""
        now = self._clock()
        if now < self._reopen_quiet_until:
            return
        self._reopen_quiet_until = now + QUIET_SECONDS
        text = "the %s log (%s) cannot be opened again, going on with the old one: %s; %d records lost so far"
        log.warning(text, self._kind, self._to, trouble, self._dropped())
