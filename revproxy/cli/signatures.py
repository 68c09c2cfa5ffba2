"""`revproxy signatures list | show | test`: what the YAML signatures say, and whether their samples agree.

A path is a file or a folder; without one the shipped signatures are read. Exit codes: 0 done, 1 a sample failed,
2 wrong use or a signature that is wrong (the main group shows such errors). Updating and publishing signatures do
not belong here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from revproxy.cli.ftw import NOTHING, Asked, run_ftw
from revproxy.cli.progress import Compiling
from revproxy.config.shipped import shipped_signatures
from revproxy.detection.engine import Engine
from revproxy.detection.rules import MATCHED, Condition, Operator, Rule, Target
from revproxy.detection.sigyaml import Sample, Signature, always_runs, load_all, lower, transaction
from revproxy.inspection.sources import read_signature_files
from revproxy.model import Action, Phase

MEMORY = 1024 * 1024
"""Bytes of memory that the engine gets for scans while samples run."""
_SHOWN = 160


_paths = click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]...")


_CODES = "Exit codes: 0 done, 1 {one}, 2 wrong use or a signature that is wrong."


@click.group("signatures", epilog=_CODES.format(one="a sample failed"))
def signatures() -> None:
    """List, show and test signatures.

    \b
    revproxy signatures list
    revproxy signatures show sql-union-select
    revproxy signatures test my-signatures/
    """


@signatures.command(
    "list",
    epilog=f"""\b
Examples:
  revproxy signatures list
  revproxy signatures list mine.yaml more/
  revproxy signatures list | grep smtp | cut -f 1      one line each, with tabs, where there is no terminal

{_CODES.format(one="cannot be written")}
""",
)
@_paths
def list_(paths: tuple[str, ...]) -> None:
    """List signatures: id, severity, protocols, name."""
    found = _load(paths)
    rows = [(s.id, s.severity.name.lower(), " ".join(sorted(map(str, s.protocols))), s.name) for s in found]
    if not sys.stdout.isatty():
        click.echo("".join("\t".join(row) + "\n" for row in rows), nl=False)
        return
    table = Table("id", "severity", "protocols", "name", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)
    click.echo(f"{len(found)} signatures")


@signatures.command(
    "show",
    epilog=f"""\b
Examples:
  revproxy signatures show sql-union-select
  revproxy signatures show shop-coupon-probe mine.yaml

{_CODES.format(one="cannot be written")}
""",
)
@click.argument("wanted", metavar="ID")
@_paths
def show(wanted: str, paths: tuple[str, ...]) -> None:
    """Show a signature as it is understood."""
    for signature in _load(paths):
        if signature.id == wanted:
            click.echo("\n".join(_description(signature)))
            return
    raise click.UsageError(f"there is no signature `{wanted}`; `revproxy signatures list` tells which there are")


@signatures.command(
    "test",
    epilog=f"""\b
Examples:
  revproxy signatures test
  revproxy signatures test mine.yaml more/
  revproxy signatures test --ftw crs/tests --rules crs
  revproxy signatures test --ftw crs/tests --url http://127.0.0.1:8080 --log error.log

\b
Compiled signatures are kept in $XDG_CACHE_HOME/revproxy (~/.cache/revproxy).
--ftw presupposes the settings of the CRS test suite: in process they are made (level 4, detection only, its limits,
answers inspected); a running front end has to have them, and the marker rule.
{_CODES.format(one="a sample or a test failed")}
""",
)
@_paths
@click.option("--ftw", multiple=True, metavar="PATH", help="Tests in go-ftw's format instead; may be repeated.")
@click.option("--rules", multiple=True, metavar="PATH", help="With --ftw: rules or a CRS folder; may be repeated.")
@click.option("--paranoia", type=click.IntRange(1, 4), help="With --ftw: the level; 4 if it is not given.")
@click.option("--url", metavar="URL", help="With --ftw: a running front end to send the requests to.")
@click.option("--log", type=click.Path(path_type=Path), metavar="FILE", help="With --url: its error log.")
@click.option("--only", multiple=True, metavar="ID", help="With --ftw: this test alone; may be repeated.")
@click.option("--known", type=click.Path(path_type=Path), metavar="FILE", help="With --ftw: failures to expect.")
@click.option("--failures", type=click.Path(path_type=Path), metavar="FILE", help="With --ftw: write ids there.")
def test(
    paths: tuple[str, ...],
    ftw: tuple[str, ...],
    rules: tuple[str, ...],
    paranoia: int | None,
    url: str | None,
    log: Path | None,
    only: tuple[str, ...],
    known: Path | None,
    failures: Path | None,
) -> None:
    """Run every sample of every signature through the engine, or tests in go-ftw's format (--ftw)."""
    asked = Asked(ftw, rules, url, log, paranoia, only, known, failures)
    if ftw and paths:
        raise click.UsageError("PATH names signatures, whose own samples are run; with --ftw name them with --rules")
    if ftw:
        sys.exit(run_ftw(asked))
    if asked != NOTHING:
        raise click.UsageError("the options of `test` go with --ftw")
    _test_samples(paths)


def _test_samples(paths: tuple[str, ...]) -> None:
    from revproxy.app.offline import cache_folder
    from revproxy.app.rules import linked

    found = _load(paths)
    with Compiling() as told:
        engine = Engine(linked([lower(s) for s in found], cache_folder(), told=told), MEMORY)
    failed = passed = 0
    for signature in found:
        for sample, expected in _samples(signature):
            if _matches(engine, signature.id, sample) is expected:
                passed += 1
                continue
            failed += 1
            wrong = "does not match" if expected else "matches"
            click.echo(f"{sample.where}: {signature.id} {wrong} this sample: {_sample(sample)}")
        if always_runs(lower(signature)):
            click.echo(
                f"{signature.origin}: {signature.id} runs on every transaction: nothing in it can be searched for"
            )
    click.echo(f"{passed} passed, {failed} failed, 0 skipped")
    if failed:
        sys.exit(1)


def _load(paths: tuple[str, ...]) -> list[Signature]:
    return load_all(read_signature_files(paths or (shipped_signatures(),)))


def _samples(signature: Signature) -> list[tuple[Sample, bool]]:
    return [(s, True) for s in signature.matching] + [(s, False) for s in signature.passing]


def _matches(engine: Engine, rule: str, sample: Sample) -> bool:
    """Whether the rule is among the findings; that others match as well is no fault of the sample."""
    tx = transaction(sample)
    engine.inspect(tx, Phase.HEAD, Phase.REPLY_BODY)
    return any(finding.rule == rule for finding in tx.findings)


def _description(signature: Signature) -> list[str]:
    rule = lower(signature)
    lines = [
        f"{rule.id}: {rule.message}",
        f"  {signature.why}",
        f"  origin      {rule.origin}",
        f"  references  {', '.join(signature.references)}",
        f"  protocols   {', '.join(sorted(map(str, rule.protocols)))}",
        f"  phase       {rule.phase.name.lower()}",
        f"  severity    {rule.severity.name.lower()}: {_effect(rule)}",
        f"  tags        {', '.join(rule.tags)}",
    ]
    if always_runs(rule):
        lines.append("  note        runs on every transaction: nothing in it can be searched for")
    for number, condition in enumerate(rule.conditions, 1):
        lines += _condition(number, condition)
    for sample, expected in _samples(signature):
        lines.append(f"  {'match' if expected else 'pass '}  {_sample(sample)}")
    return lines


def _effect(rule: Rule) -> str:
    """What a match does; ALLOW in a rule means that it only counts."""
    if rule.action is Action.ALLOW:
        return f"scores {rule.score}"
    word = {Action.DENY: "denies by itself", Action.DROP: "drops the connection by itself"}[rule.action]
    return f"scores {rule.score}, {word}"


def _condition(number: int, condition: Condition) -> list[str]:
    chain = " > ".join(condition.transformations) or "as it is"
    steps = ", at each step" if condition.every_step else ""
    lines = [f"  condition {number}: {', '.join(map(_target, condition.targets))} ({chain}{steps})"]
    return [*lines, *(f"      {_operator(operator)}" for operator in condition.operators)]


def _target(target: Target) -> str:
    if target.field == MATCHED:
        return "the same value"
    key = f":/{target.pattern}/" if target.pattern is not None else ""
    key = f":{target.key.decode(errors='replace')}" if target.key is not None else key
    name = f"count({target.field}{key})" if target.count else target.field + key
    return f"!{name}" if target.exclude else name


def _operator(operator: Operator) -> str:
    said = operator.argument if isinstance(operator.argument, str) else ", ".join(operator.argument)
    return f"{'not ' if operator.negated else ''}{operator.name} {said}".rstrip()


def _sample(sample: Sample) -> str:
    """A sample in one line, cut; bytes that are not printable ASCII are escaped."""
    words = []
    for name, pairs in sample.fields:
        words += [f"{name}{':' if key else ''}{_ascii(key)}={_ascii(value)}" for key, value in pairs]
    line = " ".join(words)
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "..."


def _ascii(value: bytes) -> str:
    return "".join(chr(b) if 0x20 <= b < 0x7F else f"\\x{b:02x}" for b in value)
