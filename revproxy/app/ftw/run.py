"""Running tests, one after the other, and what came of them. How a request is carried out is the runner's business.

A test that fails because the protocol gate refused its request is told apart: no rule was ever asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from revproxy.app.ftw.check import faults
from revproxy.app.ftw.model import FtwTest, Input, Observed, Stage
from revproxy.app.ftw.request import build


class Runner(Protocol):
    """What carries a request out: `InProcess` or `OnWire`."""

    def observe(self, raw: bytes, given: Input) -> Observed:
        """What became of it."""


class Ending(StrEnum):
    """What came of a test."""

    PASSED = "passed"
    FAILED = "failed"
    REFUSED = "refused"
    """Failed, because the protocol gate answered."""
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """One test's ending; `why` in words where it did not pass."""

    test: FtwTest
    ending: Ending
    why: tuple[str, ...] = ()
    stage: Stage | None = None
    """Where it failed."""

    @property
    def failed(self) -> bool:
        """Whether it counts among those that failed."""
        return self.ending in (Ending.FAILED, Ending.REFUSED)


def run(tests: Iterable[FtwTest], runner: Runner) -> Iterator[Result]:
    """A result for each test, in order."""
    for test in tests:
        yield Result(test, Ending.SKIPPED, (test.skip,)) if test.skip else _run(test, runner)


def _run(test: FtwTest, runner: Runner) -> Result:
    cookies: dict[str, str] = {}
    before: Observed | None = None
    for stage in test.stages:
        try:
            given = _redirected(stage.given, before) if stage.given.follow_redirect else stage.given
            raw = build(given, "; ".join(f"{name}={value}" for name, value in cookies.items()))
        except ValueError as error:
            return Result(test, Ending.FAILED, (str(error),), stage)
        before = runner.observe(raw, given)
        wrong = faults(stage.expected, before)
        if wrong and stage.expected.retry_once:
            before = runner.observe(raw, given)
            wrong = faults(stage.expected, before)
        if wrong:
            return Result(test, Ending.REFUSED if before.refused else Ending.FAILED, tuple(wrong), stage)
        if given.save_cookie:
            cookies.update(_cookies(before))
    return Result(test, Ending.PASSED)


def _values(observed: Observed, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in observed.answer.headers if key.lower() == name]


def _cookies(observed: Observed) -> Iterator[tuple[str, str]]:
    for line in _values(observed, b"set-cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        yield name.strip(), value.strip()


def _redirected(given: Input, before: Observed | None) -> Input:
    """The input of a stage that goes where the answer before it points to. Raises ValueError."""
    places = _values(before, b"location") if before is not None and 300 <= before.status < 400 else []
    if not places:
        raise ValueError("follow_redirect: the stage before was not answered with a redirection")
    place = urlsplit(urljoin("http://localhost/", places[0]))
    headers = given.headers
    if urlsplit(places[0]).netloc:
        kept = tuple((name, value) for name, value in headers if name.lower() != "host")
        headers = (("Host", place.netloc), *kept)
    uri = (place.path or "/") + (f"?{place.query}" if place.query else "")
    return Input(given.method, uri, given.version, headers, given.data, None, given.autocomplete, given.save_cookie)


@dataclass(frozen=True, slots=True)
class Summary:
    """All results together."""

    results: tuple[Result, ...]
    known: Mapping[str, str]
    """Ids of tests that are expected to fail, and why."""

    def ids(self, *endings: Ending) -> list[str]:
        """Ids of the tests that ended so."""
        return [result.test.id for result in self.results if result.ending in endings]

    @property
    def failed(self) -> list[str]:
        """Ids of all that failed."""
        return self.ids(Ending.FAILED, Ending.REFUSED)

    @property
    def unexpected(self) -> list[str]:
        """Ids of those that failed and are not known to."""
        return [name for name in self.failed if name not in self.known]

    @property
    def recovered(self) -> list[str]:
        """Ids of those that are known to fail and passed."""
        return [name for name in self.ids(Ending.PASSED) if name in self.known]

    @property
    def good(self) -> bool:
        """Exactly those failed that are known to."""
        return not self.unexpected and not self.recovered

    def __str__(self) -> str:
        passed, skipped = len(self.ids(Ending.PASSED)), len(self.ids(Ending.SKIPPED))
        return f"{passed} passed, {len(self.failed)} failed, {skipped} skipped"
