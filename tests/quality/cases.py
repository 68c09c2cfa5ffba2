"""The sets that rules are judged by: requests that are an attack, and requests that are not.

A set is read from `../shared`; one whose files are not there is left out, and whoever asks is told. Recorded traffic
and lists come from `tests.differential.traffic`. Of the tests of OWASP CRS come two sets: what a test of an attack
rule of level 1 expects to be found, and what it expects not to be. Many of the latter are attacks that some other
rule is to find, so a third set has those of them for which CRS itself, at level 1, finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from revproxy.app.ftw import build, in_process, load, seclang_overrides
from revproxy.app.seclang import lowered
from revproxy.app.unconfigured import offline_settings
from revproxy.detection.rules import Rule
from revproxy.inspection.sources import read_signature_files
from tests.differential import traffic
from tests.differential.traffic import CORPORA, CRS, Item

ATTACK_CLASSES = range(930, 945)
"""The first three digits of the rules of CRS that look for attacks, not for broken protocol or for answers."""
LEVEL = "paranoia-level/1"


@dataclass(frozen=True, slots=True)
class CaseSet:
    """`attacks`: whether each of its requests is one. `source` has to be there."""

    name: str
    attacks: bool
    source: Path
    read: Callable[[], Iterator[Item]]


def _expected() -> Iterator[Item]:
    return _crs(attacks=True)


def _not_expected() -> Iterator[Item]:
    return _crs(attacks=False)


def _crs(attacks: bool) -> Iterator[Item]:
    """Stages that expect an attack rule of level 1, or those that expect none at all and exclude such a rule."""
    rules = first_level()
    for test in load(read_signature_files([CRS / "tests"])):
        for number, stage in enumerate(test.stages):
            expected, excluded = (rules & {*ids} for ids in (stage.expected.expect_ids, stage.expected.no_expect_ids))
            ordinary = bool(excluded) and not stage.expected.expect_ids
            if expected if attacks else ordinary:
                yield Item(f"{test.id}/{number + 1}", build(stage.given))


def _ordinary() -> Iterator[Item]:
    """Those that exclude a rule and that no attack rule of CRS finds anything in."""
    rules = first_level()
    with in_process([str(CRS)], seclang_overrides(1), offline_settings()) as engine:
        yield from (item for item in _not_expected() if rules.isdisjoint(engine.run(item.raw).rules))


def first_level() -> frozenset[str]:
    """Ids of the attack rules of CRS that run at its level 1."""
    written = lowered([str(CRS)]).rules
    return frozenset(
        rule.id
        for rule in written
        if isinstance(rule, Rule) and LEVEL in rule.tags and int(rule.id[:3]) in ATTACK_CLASSES
    )


SETS = (
    CaseSet("browsing-deny", True, CORPORA / "browsing-deny.jsonl.gz", traffic.SETS["deny"]),
    CaseSet("browsing-allow", False, CORPORA / "browsing-allow.jsonl.gz", traffic.SETS["allow"]),
    CaseSet("queries-allow, as paths", False, CORPORA / "queries-allow.txt.gz", traffic.SETS["queries"]),
    CaseSet("queries-allow, as values", False, CORPORA / "queries-allow.txt.gz", traffic.SETS["values"]),
    CaseSet("sqli-lookalikes-allow", False, CORPORA / "sqli-lookalikes-allow.txt", traffic.SETS["sqli"]),
    CaseSet("crs-expected", True, CRS / "tests", _expected),
    CaseSet("crs-not-expected", False, CRS / "tests", _not_expected),
    CaseSet("crs-not-expected, clean", False, CRS / "tests", _ordinary),
)
