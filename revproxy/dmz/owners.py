"""Whose packets are whose on this machine, for rules that look at the user of a socket.

Workers, which meet hostile bytes, have no business to begin anything; the broker alone reaches upstreams. Rules can
tell them apart only where the broker has a user of its own. A socket is its maker's, whoever has it later.
"""

from __future__ import annotations

from dataclasses import dataclass

from revproxy.config import Loaded
from revproxy.config.users import process_users


@dataclass(frozen=True, slots=True)
class Owners:
    """Two users, by number."""

    workers: int
    broker: int


def owners(loaded: Loaded) -> Owners | None:
    """None where the broker has no user of its own. Raises ConfigError for users that this machine does not know."""
    settings = loaded.settings
    if settings.broker_user is None or not settings.sandbox:
        return None
    workers, broker = process_users(settings, loaded.blame)
    return Owners(workers.uid, broker.uid) if workers.uid != broker.uid else None
