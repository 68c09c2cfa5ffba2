"""How many tests of a rule set's own suite real ModSecurity passes: `python -m tests.oracle.suite [CRS] [--known]`.

A test that only asks for a status of 400 is about the server in front, which is not here: it is told apart.
"""

from __future__ import annotations

import sys
from pathlib import Path

from revproxy.app.ftw import FtwTest, Input, Observed, Result, load, run, suite_overrides
from revproxy.app.ftw.backend import answer
from revproxy.inspection.sources import read_signature_files
from tests.oracle.exchanges import exchange
from tests.oracle.modsecurity import Oracle, crs

CRS = Path(__file__).resolve().parents[3] / "shared" / "crs"


class OracleRunner:
    """Stages through ModSecurity, with the pretended server behind it (`run.Runner`)."""

    def __init__(self, oracle: Oracle, explain: bool = False) -> None:
        self._oracle = oracle
        self._explain = explain

    def observe(self, raw: bytes, given: Input) -> Observed:
        """What becomes of a request."""
        answered = answer(raw)
        asked = exchange(raw, answered.status, answered.headers, answered.body)
        seen = self._oracle.explain(asked) if self._explain else self._oracle.run(asked)
        rules = tuple(map(str, seen.rules))
        lines = tuple(line.encode("utf-8", "surrogateescape") for line in seen.lines)
        return Observed(rules, lines, answered.status, answer=answered, error=seen.trouble)


def wants_lines(test: FtwTest) -> bool:
    """Whether a test looks at the text of the log."""
    return any(stage.expected.patterns or stage.expected.no_patterns for stage in test.stages)


def about_the_server(test: FtwTest) -> bool:
    """Whether a test asks for nothing but a refusal by the server."""
    return any(stage.expected.statuses == (400,) for stage in test.stages)


def results(tests: list[FtwTest], oracle: Oracle) -> list[Result]:
    """A result for each test."""
    plain, explained = OracleRunner(oracle), OracleRunner(oracle, explain=True)
    return [one for test in tests for one in run([test], explained if wants_lines(test) else plain)]


def main() -> None:
    """Run and tell."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CRS
    tests = load(read_signature_files([folder / "tests"]))
    with Oracle(crs(folder, suite_overrides())) as oracle:
        all_of_them = results(tests, oracle)
    server = [one for one in all_of_them if about_the_server(one.test)]
    failed = [one for one in all_of_them if one.failed and one not in server]
    for one in failed:
        print(f"{one.test.id}: {'; '.join(one.why)}")
    passed = len(all_of_them) - len(failed) - len(server)
    print(f"{passed} of {len(all_of_them)} passed, {len(failed)} failed, {len(server)} are about the server in front")


if __name__ == "__main__":
    main()
