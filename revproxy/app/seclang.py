"""SecLang rules from files and folders: found, read, lowered and folded.

A folder of OWASP CRS is known by its `rules` folder; its setup comes first. What the texts say about the engine as a
whole (SecRuleEngine) is handed on; other settings are told in notices where they have no effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from revproxy.app.inputs import Witness
from revproxy.app.rulefiles import rule_files
from revproxy.detection import seclang
from revproxy.detection.link import check_rules
from revproxy.detection.link.fold import fold
from revproxy.detection.link.phases import phase_of
from revproxy.detection.link.scores import NAMES
from revproxy.detection.rules import Marker, Rule
from revproxy.detection.seclang.lower import lower
from revproxy.model import Protocol

LEVELS = (b"blocking_paranoia_level", b"detection_paranoia_level")


@dataclass(frozen=True, slots=True)
class SecLang:
    """Rules in order, the variables that every transaction begins with, and what was noted.

    `removed` tells of rules that folding took out, by id, why. `detects`: the rules say to record only.
    """

    rules: tuple[Rule | Marker, ...] = ()
    variables: tuple[tuple[bytes, bytes], ...] = ()
    notices: tuple[seclang.Notice, ...] = ()
    removed: tuple[tuple[str, str], ...] = ()
    detects: bool = False


NO_SECLANG = SecLang()


def read_seclang(paths: Sequence[str], paranoia: int = 0, witness: Witness | None = None) -> SecLang:
    """Read rules. `paranoia` sets both levels of CRS where its setup does not; 0 leaves them alone. `witness` gets to
    know what was read.

    Raises ConfigError for what cannot be read, RuleError and ManyErrors for what cannot be enforced.
    """
    if not paths:
        return NO_SECLANG
    reader = witness or Witness()
    parsed = seclang.load([file for path in paths for file in rule_files(Path(path))], reader.read, reader.glob)
    lowered = lower(parsed, reader.read)
    engine = [s.values[0].value.lower() for s in lowered.settings if s.name == "SecRuleEngine"]
    if engine and engine[-1] == b"off":
        return SecLang(notices=lowered.notices)
    level = b"%d" % paranoia
    # Before folding: what is folded away is never linked, and must be right all the same.
    check_rules([rule for rule in lowered.rules if isinstance(rule, Rule)])
    given = dict.fromkeys(LEVELS, level) if paranoia else {}
    folded = fold(lowered.rules, given, frozenset(NAMES), lambda rule: phase_of(rule, Protocol.HTTP))
    return SecLang(
        folded.rules,
        tuple(folded.variables.items()),
        lowered.notices,
        tuple(folded.removed.items()),
        bool(engine) and engine[-1] == b"detectiononly",
    )
