"""The tests of OWASP CRS against a running front end: its wire, its error log, an internal server behind.

A sample of them, spread over all rules, and all that look at more than ids; every one with REVPROXY_FULL=1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from servers import CACHE, Front, Process

from revproxy.app.ftw import Ending, FtwTest, OnWire, Summary, known_failures, load, reflecting, run
from revproxy.inspection.sources import read_signature_files

ROOT = Path(__file__).resolve().parents[2]
CRS = ROOT.parent / "shared" / "crs"
FILES = ROOT / "config" / "crs-tests"
FULL = os.environ.get("REVPROXY_FULL") == "1"
EVERY = 1 if FULL else 15
KNOWN = known_failures(ROOT / "tests" / "data" / "ftw" / "known.yaml")

pytestmark = [
    pytest.mark.e2e,
    # A front end that compiles all rules of level 4 first.
    pytest.mark.timeout(900),
    pytest.mark.skipif(not CRS.is_dir(), reason=f"needs OWASP CRS in {CRS}"),
]


@pytest.fixture(scope="module")
def front(folder: Path, started: list[Process]) -> Iterator[Front]:
    """A front end with the configuration that stands in config/, in a folder and on ports of its own."""
    (folder / "crs-tests.conf").write_text((FILES / "crs-tests.conf").read_text())
    settings = yaml.safe_load((FILES / "revproxy.yaml").read_text())
    with reflecting("127.0.0.1", 0) as port:
        settings["upstreams"]["reflector"]["address"] = f"127.0.0.1:{port}"
        settings["listeners"][0]["bind"] = "127.0.0.1:0"
        settings["inspection"]["rules"][-1] = str(CRS)
        settings["cache"] = str(CACHE)
        started.append(Front(folder, settings))
        yield started[-1]


def chosen() -> list[FtwTest]:
    tests = load(read_signature_files([str(CRS / "tests")]))
    return [test for at, test in enumerate(tests) if at % EVERY == 0 or test.id in KNOWN or asks_more(test)]


def asks_more(test: FtwTest) -> bool:
    """Whether it is about more than which rules matched, or does more than send one request."""
    outputs = [stage.expected for stage in test.stages]
    return len(outputs) > 1 or any(
        o.statuses or o.patterns or o.no_patterns or o.isolated or o.retry_once or o.expect_error for o in outputs
    )


def test_the_suite(front: Front, folder: Path) -> None:
    tests = chosen()
    assert len(tests) > 150
    with OnWire(front.url, folder / "error.log") as wire:
        summary = Summary(tuple(run(tests, wire)), KNOWN)
    told = [(one.test.id, one.why) for one in summary.results if one.failed and one.test.id not in KNOWN]
    assert told == []
    assert summary.recovered == []
    assert summary.ids(Ending.SKIPPED) == []
    assert set(summary.ids(Ending.REFUSED)) == set(KNOWN)
    if FULL:
        assert len(summary.failed) <= 0.002 * len(tests)
