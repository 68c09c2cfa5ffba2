"""`python -m tests.quality [--profile NAME]... [--set NAME]... [--names]`: what is found, and refused falsely.

For each profile a table: the share of attacks that were denied, of ordinary requests that were refused, and which
signatures refused ordinary ones. `../shared` has the requests; a set that is not there is said to be left out. Ends
with 1 when a profile misses what it is meant to reach (`BOUNDS`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

from revproxy.app.unconfigured import offline_settings
from revproxy.config import Settings
from revproxy.proxy.http.routes import STRICT_POINTS
from tests.differential.traffic import CRS
from tests.quality.cases import SETS, CaseSet
from tests.quality.measure import Measured, Tally

BOUNDS: dict[tuple[str, str], float] = {
    ("balanced", "browsing-deny"): 76.0,
    ("balanced", "browsing-allow"): 0.10,
    ("balanced", "queries-allow, as paths"): 0.02,
    ("balanced", "queries-allow, as values"): 0.02,
    ("balanced", "sqli-lookalikes-allow"): 2.0,
    ("balanced", "crs-expected"): 90.0,
    ("balanced", "crs-not-expected, clean"): 3.0,
}
"""Per cent, by profile and set: attacks that are refused at least, ordinary requests that are at most."""
_ROW = "  {:26} {:>7} {:>7} {:>8} {:>8}  {}"
_MOST_RULES = 12


def _balanced() -> Settings:
    return offline_settings()


def _strict() -> Settings:
    settings = offline_settings()
    return replace(settings, inspection=replace(settings.inspection, inbound_threshold=STRICT_POINTS))


def _crs() -> Settings:
    settings = offline_settings()
    return replace(settings, inspection=replace(settings.inspection, signatures=(), rules=(str(CRS),), paranoia=1))


def _crs_tuned() -> Settings:
    settings = _crs()
    return replace(settings, inspection=replace(settings.inspection, crs_tuned=True))


PROFILES: dict[str, Callable[[], Settings]] = {
    "balanced": _balanced,
    "strict": _strict,
    "crs level 1": _crs,
    "crs level 1, tuned": _crs_tuned,
}
"""Our signatures alone, OWASP CRS alone. `watch` finds what `balanced` does, and refuses none."""


def main() -> None:
    """Parse, measure, print."""
    asked = _parser().parse_args()
    sets = [one for one in SETS if not asked.set or one.name in asked.set]
    for one in [one for one in sets if not one.source.exists()]:
        print(f"left out: {one.name}, {one.source} is not there")
        sets.remove(one)
    missed = [line for name in asked.profile or PROFILES for line in _profile(name, sets, asked.names)]
    for line in missed:
        print(f"missed: {line}")
    sys.exit(1 if missed else 0)


def _profile(name: str, sets: list[CaseSet], names: bool) -> Iterator[str]:
    """Print the table of one profile; what it misses."""
    print(f"\n{name}")
    if name.startswith("crs") and not CRS.exists():
        print(f"  left out: {CRS} is not there")
        return
    measured = Measured(PROFILES[name]())
    print(_ROW.format("set", "denied", "reject", "of", "share", ""))
    for one in sets:
        tally = measured.tally(one.read())
        bound = BOUNDS.get((name, one.name))
        wrong = bound is not None and not reaches(one, tally, bound)
        wanted = "" if bound is None else f"{'at least' if one.attacks else 'at most'} {bound:g} %"
        share = f"{tally.share:.2f} %"
        print(_ROW.format(one.name, tally.denied, tally.rejected, tally.total, share, wanted))
        _details(one, tally, names)
        if wrong:
            yield f"{name}, {one.name}: {share} instead of {wanted}"


def reaches(one: CaseSet, tally: Tally, bound: float) -> bool:
    """Whether a set is on the right side of its bound."""
    return tally.share >= bound if one.attacks else tally.share <= bound


def _details(one: CaseSet, tally: Tally, names: bool) -> None:
    if not one.attacks and tally.rules:
        found = ", ".join(f"{rule} {count}" for rule, count in tally.rules.most_common(_MOST_RULES))
        print(f"      by {found}")
    if names:
        wrong = tally.passed if one.attacks else tally.refused
        print(f"      {' '.join(wrong)}")


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.quality", description=__doc__)
    made.add_argument("--profile", action="append", choices=PROFILES, help="only this one; may be repeated")
    made.add_argument("--set", action="append", choices=[one.name for one in SETS], help="only this one")
    made.add_argument("--names", action="store_true", help="also the names of requests that were judged wrongly")
    return made


if __name__ == "__main__":
    main()
