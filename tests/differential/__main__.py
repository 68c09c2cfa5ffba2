"""Our engine beside real ModSecurity: `python -m tests.differential [--level N] [--set NAME]... [--every K] ...`.

The same CRS, the same settings, detection only; the sets of ids of fired rules that log are compared. Two things
that libmodsecurity does to every other transaction are kept out of the way on both sides (`--plain` leaves them
in): it never writes CRS's report of scores (980170), and it shows rules a REQUEST_BODY of XML, JSON and multipart,
which the rule set's own tests do not want (944100-11). Both stand in `differences.yaml`. A rule of our own (90006)
tells whether a side thinks that a body breaks its type; where they do not agree is told, but is no difference by
itself.
Exit codes: 0 nothing to say, or no `--check`; 1 something differs that is not listed, or more than one request in
200 of a whole set differs, whoever errs; 2 our side cannot be set up.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from revproxy.app.ftw import Input, Observed, in_process, seclang_overrides
from revproxy.app.ftw.backend import answer
from revproxy.app.ftw.setup import SUITE_VARIABLES
from revproxy.app.unconfigured import offline_settings
from revproxy.errors import LocatedError, ManyErrors
from tests.differential.compare import Engine, compare, report
from tests.differential.listed import read
from tests.differential.traffic import CRS, SETS, Item, items
from tests.oracle.exchanges import exchange
from tests.oracle.modsecurity import Oracle, crs
from tests.oracle.suite import OracleRunner

_QUIET = {"reporting_level": "0"}
_BROKEN = """\
SecRule REQBODY_ERROR "!@eq 0" "id:90006,phase:2,pass,t:none,log,msg:'The body breaks its type'"
"""
_BODY = """\
SecRule REQBODY_PROCESSOR "@rx ^(?:XML|JSON|MULTIPART)$" \\
    "id:90005,phase:1,pass,nolog,t:none,ctl:ruleRemoveTargetByTag=OWASP_CRS;REQUEST_BODY"
"""
EVERY = {"crs": 17, "deny": 5, "allow": 83, "queries": 199, "values": 199, "sqli": 9}
"""One in so many makes the sample of a set."""
_MOST = 0.005
"""So great a share of a whole set may differ, whoever errs."""
_SHOWN_LINES = 40
_SHOWN_BYTES = 600


class Theirs:
    """The oracle as an `Engine`."""

    def __init__(self, oracle: Oracle) -> None:
        self._runner = OracleRunner(oracle)

    def run(self, raw: bytes) -> Observed:
        """What ModSecurity says, perhaps from memory."""
        return self._runner.observe(raw, Input())


def settings_of(which: str, level: int, plain: bool = False) -> str:
    """SecLang before the rule set, for both sides: the suite of CRS presupposes settings of its own."""
    suite = SUITE_VARIABLES if which == "crs" else {}
    if plain:
        return seclang_overrides(level, suite) + _BROKEN
    return seclang_overrides(level, {**suite, **_QUIET}) + _BROKEN + _BODY


def run_group(sets: list[str], level: int, before: str, asked: argparse.Namespace) -> bool:
    """Compare sets that share their settings; whether nothing unlisted was found."""
    good = True
    with ExitStack() as opened:
        oracle = opened.enter_context(Oracle(crs(asked.crs, before)))
        ours = None
        if not asked.oracle_only:
            ours = opened.enter_context(in_process([str(asked.crs)], before, offline_settings()))
        for which in sets:
            requests = items(which, asked.limit, asked.every or (EVERY[which] if asked.sample else 1))
            title = f"{which}, level {level}"
            if ours is None:
                good = ask_oracle(title, requests, oracle) and good
            elif asked.only:
                show([one for one in requests if one.name in asked.only], ours, oracle)
            else:
                most = 1.0 if asked.sample or asked.every or asked.limit or asked.plain else _MOST
                good = run_set(title, requests, ours, oracle, asked.examples, most) and good
    return good


def run_set(title: str, requests: Iterator[Item], ours: Engine, oracle: Oracle, examples: int, most: float) -> bool:
    """Compare one set and print; whether nothing unlisted was found, and no greater share than `most` differs."""
    result = compare(requests, ours, Theirs(oracle), read())
    print("\n".join(report(title, result, examples)), flush=True)
    return not result.unexplained and not result.troubled and result.share <= most


def ask_oracle(title: str, requests: Iterator[Item], oracle: Oracle) -> bool:
    """Fill its memory, so that later runs are quick; whether it always answered."""
    asked = fired = 0
    troubled = []
    before, began = oracle.asked, time.monotonic()
    theirs = Theirs(oracle)
    for request in requests:
        seen = theirs.run(request.raw)
        asked += 1
        fired += bool(seen.rules)
        troubled += [f"{request.name} ({seen.error})"] if seen.error else []
    fresh, took = oracle.asked - before, time.monotonic() - began
    print(f"{title}: {asked} asked, {fresh} of them anew, in {took:.0f} s; rules fired for {fired}")
    print(f"  no answer: {' '.join(troubled)}" if troubled else "  always answered", flush=True)
    return not troubled


def show(requests: list[Item], ours: Engine, oracle: Oracle) -> None:
    """Single requests, with all that both sides say of them."""
    for request in requests:
        raw = request.raw
        answered = answer(raw)
        seen = oracle.explain(exchange(raw, answered.status, answered.headers, answered.body))
        mine = ours.run(raw)
        print("\n".join(map(shown, raw.split(b"\r\n")[:_SHOWN_LINES])))
        print(f"-- ours: {' '.join(mine.rules)} {f'refused with {mine.status}' if mine.refused else mine.error}")
        print("\n".join(map(shown, mine.lines)))
        print(f"-- modsecurity: {' '.join(map(str, seen.rules))} {seen.trouble}")
        print("\n".join(shown(line.encode("utf-8", "replace")) for line in seen.lines), flush=True)


def shown(line: bytes) -> str:
    """A line of hostile bytes for a terminal."""
    text = line[:_SHOWN_BYTES].decode("ascii", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text) + "..." * (len(line) > _SHOWN_BYTES)


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    made.add_argument("--level", type=int, action="append", choices=(1, 2, 3, 4), help="paranoia level (1)")
    made.add_argument("--set", action="append", choices=tuple(SETS), help="which requests (all)")
    made.add_argument("--limit", type=int, help="no more than so many of each set")
    made.add_argument("--every", type=int, help="one in so many (1)")
    made.add_argument("--sample", action="store_true", help="a hundred or so of each set")
    made.add_argument("--only", action="append", metavar="NAME", help="show this request and what fired")
    made.add_argument("--examples", type=int, default=5, help="names shown of each class (5)")
    made.add_argument("--crs", type=Path, default=CRS, help=f"the rule set ({CRS})")
    made.add_argument("--plain", action="store_true", help="leave in what libmodsecurity does to all transactions")
    made.add_argument("--oracle-only", action="store_true", help="fill the oracle's memory, leave our side out")
    made.add_argument("--check", action="store_true", help="exit with 1 for what is not listed")
    return made


def main() -> int:
    """Run what is asked for; the exit code."""
    asked = parser().parse_args()
    good = True
    try:
        for level in asked.level or (1,):
            groups: dict[str, list[str]] = {}
            for which in asked.set or SETS:
                # A sample is to be quick: rules are linked once for each of the settings.
                settings = settings_of("crs" if asked.sample else which, level, asked.plain)
                groups.setdefault(settings, []).append(which)
            for before, sets in groups.items():
                good = run_group(sets, level, before, asked) and good
    except (LocatedError, ManyErrors) as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if good or not asked.check else 1


if __name__ == "__main__":
    sys.exit(main())
