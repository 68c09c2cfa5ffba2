"""SecLang rules from files and folders: found, read, lowered and folded.

A folder of OWASP CRS is known by its `rules` folder; its setup comes first. What the texts say about the engine as a
whole (SecRuleEngine) is handed on; what has no effect here is told in notices, which `revproxy check` shows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from revproxy.app.inputs import Witness
from revproxy.app.rulefiles import rule_files
from revproxy.detection import seclang
from revproxy.detection.link import check_rules
from revproxy.detection.link.fold import fold
from revproxy.detection.link.jumps import jumps_of
from revproxy.detection.link.lifted import settled
from revproxy.detection.link.phases import phase_of
from revproxy.detection.link.scores import NAMES
from revproxy.detection.rules import Marker, Rule
from revproxy.detection.seclang.lower import Lowered, lower
from revproxy.errors import RuleError
from revproxy.model import Phase, Protocol

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


def read_seclang(paths: Sequence[str], paranoia: int = 0) -> SecLang:
    """Read rules and fold them: `lowered`, then `folded`."""
    return folded(lowered(paths), paranoia) if paths else NO_SECLANG


def lowered(paths: Sequence[str], witness: Witness | None = None) -> Lowered:
    """Read rules from files and folders; `witness` gets to know what was read.

    Raises ConfigError for what cannot be read, RuleError and ManyErrors for what cannot be enforced.
    """
    files = [file for path in paths for file in rule_files(Path(path))]
    reader = witness or Witness()
    parsed = seclang.load(files, reader.read, reader.glob, raises=False)
    read = lower(parsed, reader.read)
    try:
        # Before folding: what is folded away is never linked, and must be right all the same.
        check_rules([rule for rule in read.rules if isinstance(rule, Rule)])
        jumps_of(read.rules)
    except RuleError as error:
        raise parsed.error(error.where, error.message, error.hint) from error
    return read


def folded(read: Lowered, paranoia: int = 0, excluded: Collection[frozenset[str]] = ()) -> SecLang:
    """Rules as the engine runs them; `excluded` as in `fold`. Raises RuleError.

    `paranoia` sets both levels of CRS where its setup does not; 0 leaves them alone.
    """
    engine = [s for s in read.settings if s.name == "SecRuleEngine"]
    mode = engine[-1].values[0].value.lower() if engine else b"on"
    if mode == b"off":
        off = seclang.Notice("SecRuleEngine Off: none of these rules is in force", engine[-1].where)
        return SecLang(notices=(*read.notices, off))
    given = dict.fromkeys(LEVELS, b"%d" % paranoia) if paranoia else {}
    made = fold(settled(read.rules, _phase), given, frozenset(NAMES), _phase, excluded)
    return SecLang(
        made.rules,
        tuple(made.variables.items()),
        read.notices,
        tuple(made.removed.items()),
        mode == b"detectiononly",
    )


def _phase(rule: Rule) -> Phase:
    return phase_of(rule, Protocol.HTTP)
