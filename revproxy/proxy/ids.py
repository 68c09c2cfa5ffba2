"""Transaction ids: short, unique across workers and restarts, and telling an outsider nothing."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable


def transaction_ids() -> Callable[[], str]:
    """A source of ids for one worker: a random prefix of 48 bits, then a count."""
    prefix = secrets.token_hex(6)
    count = itertools.count(1)
    return lambda: f"{prefix}{next(count):07x}"
