"""What a worker is built from. A module of its own: what finds and checks all of it is no worker's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from revproxy.app.excluded import Excluded
from revproxy.config import Settings
from revproxy.detection.link.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a worker is built from (`runtime.Prepared`)."""

    settings: Settings
    rules: RuleSet
    excluded: Excluded
    notices: tuple[str, ...] = ()
    """What was taken from SecLang though it does nothing here."""
    rest: str = ""
    """A hash of everything but the rules."""
    sets: Mapping[str, str] = field(default_factory=dict)
    """The sets of feeds that they come from; workers need not know."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Prepared, (self.settings, replace(self.rules, compiled={}), self.excluded, self.notices, self.rest)

    @property
    def pieces(self) -> dict[str, bytes]:
        """The databases of the rules, by key; they go to the workers beside the pickle."""
        return self.rules.databases()

    @property
    def patched(self) -> bool:
        """Whether rules were linked onto those before; `app.whole` links them anew."""
        return self.rules.patched

    @property
    def ruleset_name(self) -> str:
        """The content hash of the linked rules."""
        return self.rules.name
