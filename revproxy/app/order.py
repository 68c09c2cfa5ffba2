"""What goes to a trial and comes back from it, and to an update: words for both sides, without what is done there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SETTLE: Final = "--settle"
"""What makes an update (`app.update`) carry out what was decided on a staged set."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to try: the files of a set, in the place of a feed of a configuration; bytes and seconds at most.

    Without a `config` the set is tried alone.
    """

    config: str
    feed: str
    kind: str
    folder: str
    memory_bytes: int
    cpu_seconds: int

    @property
    def out_of_memory(self) -> str:
        """What is said of a set that needs more."""
        return f"it needs more memory than limits.supply.trial_memory_bytes ({self.memory_bytes} bytes)"


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it: how many rules and samples, and the rule set that the configuration comes to with it."""

    rules: int
    samples: int
    ruleset: str
