"""OWASP CRS without its rules about policy: what a site allows, which the rules cannot know.

Which content types, header fields and file extensions a site has is said by its routes and by the strict
gate of the protocol; a session's name in a link of another site is ordinary where sites work together. On ordinary
browsing these few rules make most of the refusals of CRS at level 1, and none of what it detects there
(docs/detection.md). What the rules look like does not matter here, only their ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from revproxy.config import Settings
from revproxy.config.settings import Exclusion

POLICY_RULES: dict[str, str] = {
    "920340": "a body without a type: the gate and the readers of bodies decide",
    "920420": "types of bodies: those unknown are inspected raw, and as what they look like",
    "920440": "extensions of files",
    "920450": "names of header fields: the gate has a grammar, hop-by-hop fields never go inside",
    "943110": "names of sessions in links of other sites",
}
"""By id, with who decides instead."""


def tuned(settings: Settings, rules: Iterable[str]) -> Settings:
    """Settings that leave out those of the rules (ids) that are about policy, where that is asked for."""
    found = tuple(sorted(POLICY_RULES.keys() & {*rules}))
    if not settings.inspection.crs_tuned or not found:
        return settings
    more = Exclusion(rules=found, reason="about policy")
    return replace(
        settings, inspection=replace(settings.inspection, exclusions=(*settings.inspection.exclusions, more))
    )
