"""`revproxy signatures test --ftw`: tests in go-ftw's format, in process or against a running front end.

Exit codes: 0 all passed, or exactly those failed that are known to; 1 otherwise; 2 wrong use, rules or tests.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from revproxy.cli.progress import Compiling

if TYPE_CHECKING:
    from revproxy.app.ftw import FtwTest, Runner, Summary
    from revproxy.config import Address


@dataclass(frozen=True, slots=True)
class Asked:
    """The options."""

    tests: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    url: str | None = None
    log: Path | None = None
    paranoia: int | None = None
    only: tuple[str, ...] = ()
    known: Path | None = None
    failures: Path | None = None
    reflector: Address | None = None


NOTHING = Asked()
"""No option was given."""


def run_ftw(asked: Asked) -> int:
    """Run them, print what failed and the sums; the exit code. Raises UsageError, LocatedError, ManyErrors."""
    from revproxy.app.ftw import OnWire, Summary, in_process, known_failures, reflecting, run, suite_overrides
    from revproxy.app.ftw.setup import SUITE_LEVEL
    from revproxy.app.unconfigured import offline_settings

    if (asked.url is None) != (asked.log is None):
        raise click.UsageError("--url and --log go together: where the front end is, and its error log")
    if asked.reflector is not None and asked.url is None:
        raise click.UsageError("--reflector goes with --url: in process no server is needed")
    if asked.url is None and not asked.rules:
        raise click.UsageError("name the rules with --rules, or a running front end with --url and --log")
    known = known_failures(asked.known) if asked.known is not None else {}
    tests = _tests(asked)
    runner: Runner
    with ExitStack() as stack:
        if asked.reflector is not None:
            stack.enter_context(reflecting(asked.reflector.host, asked.reflector.port))
        if asked.url is not None and asked.log is not None:
            runner = stack.enter_context(OnWire(asked.url, asked.log))
        else:
            before = suite_overrides(asked.paranoia or SUITE_LEVEL)
            told = stack.enter_context(Compiling())
            runner = stack.enter_context(in_process(asked.rules, before, offline_settings(), told))
        results = tuple(run(tests, runner))
    summary = Summary(results, known)
    _write(summary, asked.failures)
    _tell(summary)
    return 0 if summary.good else 1


def _tests(asked: Asked) -> list[FtwTest]:
    from revproxy.app.ftw import load
    from revproxy.inspection.sources import read_signature_files

    tests = load(read_signature_files(asked.tests))
    if not asked.only:
        return tests
    chosen = [test for test in tests if test.id in asked.only]
    missing = set(asked.only) - {test.id for test in chosen}
    if missing:
        raise click.UsageError(f"there is no test {', '.join(sorted(missing))}")
    return chosen


def _write(summary: Summary, file: Path | None) -> None:
    if file is None:
        return
    try:
        file.write_text("".join(f"{name}\n" for name in summary.failed))
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from error


def _tell(summary: Summary) -> None:
    from revproxy.app.ftw import Ending

    for result in summary.results:
        if result.failed and result.test.id not in summary.known:
            where = result.stage.where if result.stage is not None else result.test.where
            click.echo(f"{result.test.id} {result.ending}: {'; '.join(result.why)} ({where})")
    if refused := summary.ids(Ending.REFUSED):
        click.echo(f"refused by the protocol gate ({len(refused)}): {' '.join(refused)}")
    if summary.known and (failed := [name for name in summary.failed if name in summary.known]):
        click.echo(f"failed as known ({len(failed)}): {' '.join(failed)}")
    if summary.recovered:
        click.echo(f"known to fail, but passed ({len(summary.recovered)}): {' '.join(summary.recovered)}")
    click.echo(str(summary))
