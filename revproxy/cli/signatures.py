"""`revproxy signatures list | show | test`: what the YAML signatures say, and whether their samples agree. What the
group has besides is in `supply`, for signatures that arrive, and in `tune`, for those that do not fit.

A path is a file or a folder; without one the shipped signatures are read. Exit codes: 0 done, 1 a sample failed,
2 wrong use or a signature that is wrong (the main group shows such errors).
"""

from __future__ import annotations

import json
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from revproxy.cli.common import address_option
from revproxy.cli.ftw import NOTHING, Asked, run_ftw
from revproxy.cli.progress import Compiling
from revproxy.cli.supply import COMMANDS
from revproxy.cli.tune import tune
from revproxy.config.shipped import shipped_signatures
from revproxy.detection.sigyaml import Signature, always_runs, load_all, lower
from revproxy.errors import ConfigError, Location, together
from revproxy.inspection.sources import read_signature_files

if TYPE_CHECKING:
    from revproxy.app.showing import Known

_paths = click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]...")


_rules = click.option("--rules", multiple=True, metavar="PATH", help="SecLang rules or a CRS folder; repeatable.")


_CODES = "Exit codes: 0 done, 1 {one}, 2 wrong use or a signature that is wrong."


@click.group("signatures", epilog=_CODES.format(one="a sample failed"))
def signatures() -> None:
    """List, show, test and update signatures; propose exclusions.

    \b
    revproxy signatures list
    revproxy signatures show sql-union-select
    revproxy signatures test my-signatures/
    revproxy signatures update
    revproxy signatures tune audit.jsonl
    """


for _command in (*COMMANDS, tune):
    signatures.add_command(_command)


@signatures.command(
    "list",
    epilog=f"""\b
Examples:
  revproxy signatures list
  revproxy signatures list mine.yaml more/
  revproxy signatures list --rules coreruleset
  revproxy signatures list | grep smtp | cut -f 1      one line each, with tabs, where there is no terminal

{_CODES.format(one="cannot be written")}
""",
)
@_paths
@_rules
def list_(paths: tuple[str, ...], rules: tuple[str, ...]) -> None:
    """List signatures and rules: id, severity, protocols, name. With --rules the shipped signatures are left out."""
    found = _known(paths, rules).rules.values()
    rows = [(r.id, r.severity.name.lower(), " ".join(sorted(map(str, r.protocols))), r.message) for r in found]
    if not sys.stdout.isatty():
        click.echo("".join("\t".join(row) + "\n" for row in rows), nl=False)
        return
    table = Table("id", "severity", "protocols", "name", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)
    click.echo(f"{len(found)} {'rules' if rules else 'signatures'}")


@signatures.command(
    "show",
    epilog=f"""\b
Examples:
  revproxy signatures show sql-union-select
  revproxy signatures show shop-coupon-probe mine.yaml
  revproxy signatures show 942100 --rules coreruleset --paranoia 2
  revproxy signatures show 942100 -c revproxy.yaml --json

\b
It tells what the rule looks at, in our words and SecLang's, what a match does, what folding at the given level made
of it, and how the engine finds out whether it can match.

{_CODES.format(one="cannot be written")}
""",
)
@click.argument("wanted", metavar="ID")
@_paths
@_rules
@click.option("--paranoia", type=click.IntRange(1, 4), help="Their paranoia level.")
@click.option(
    "-c", "--config", type=click.Path(path_type=Path), metavar="FILE", help="Signatures, rules and level from it."
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def show(
    wanted: str,
    paths: tuple[str, ...],
    rules: tuple[str, ...],
    paranoia: int | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Show a signature or a SecLang rule as it is understood."""
    from revproxy.app.showing import describe, known_rules, lines

    if config is None:
        known = _known(paths, rules, paranoia or 0)
    elif paths or rules:
        raise click.UsageError("-c names signatures and rules of its own")
    else:
        from revproxy.app.supplied import with_feeds
        from revproxy.config import load

        loaded = load(config)
        inspection = with_feeds(loaded.settings, loaded.blame).inspection
        known = known_rules(inspection.signatures, inspection.rules, paranoia or inspection.paranoia)
    if wanted not in known.rules:
        near = get_close_matches(wanted.lower(), known.rules, n=3, cutoff=0.6)
        hint = f"did you mean {', '.join(near)}?" if near else "`revproxy signatures list` tells which there are"
        raise click.UsageError(f"there is no signature or rule `{wanted}`; {hint}")
    told = describe(wanted, known)
    click.echo(json.dumps(told, indent=2) if as_json else "\n".join(lines(told)))


@signatures.command(
    "test",
    epilog=f"""\b
Examples:
  revproxy signatures test
  revproxy signatures test mine.yaml more/
  revproxy signatures test --ftw crs/tests --rules crs
  revproxy signatures test --ftw crs/tests --url http://127.0.0.1:8080 --log error.log --reflector 127.0.0.1:8000

\b
Compiled signatures are kept in $XDG_CACHE_HOME/revproxy (~/.cache/revproxy).
--ftw presupposes the settings of the CRS test suite: in process they are made (level 4, detection only, its limits,
answers inspected); a running front end has to have them, and the marker rule: config/crs-tests has both.
{_CODES.format(one="a sample or a test failed")}
""",
)
@_paths
@click.option("--ftw", multiple=True, metavar="PATH", help="Tests in go-ftw's format instead; may be repeated.")
@click.option("--rules", multiple=True, metavar="PATH", help="With --ftw: rules or a CRS folder; may be repeated.")
@click.option("--paranoia", type=click.IntRange(1, 4), help="With --ftw: the level; 4 if it is not given.")
@click.option("--url", metavar="URL", help="With --ftw: a running front end to send the requests to.")
@click.option("--log", type=click.Path(path_type=Path), metavar="FILE", help="With --url: its error log.")
@click.option(
    "--reflector",
    metavar="HOST:PORT",
    callback=address_option,
    help="With --url: serve there, meanwhile, the internal server that the tests expect.",
)
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
    reflector: Any,
    only: tuple[str, ...],
    known: Path | None,
    failures: Path | None,
) -> None:
    """Run every sample of every signature through the engine, or tests in go-ftw's format (--ftw)."""
    asked = Asked(ftw, rules, url, log, paranoia, only, known, failures, reflector)
    if ftw and paths:
        raise click.UsageError("PATH names signatures, whose own samples are run; with --ftw name them with --rules")
    if ftw:
        sys.exit(run_ftw(asked))
    if asked != NOTHING:
        raise click.UsageError("the options of `test` go with --ftw")
    _test_samples(paths)


def _test_samples(paths: tuple[str, ...]) -> None:
    from revproxy.app.rules import linked
    from revproxy.app.samples import run_samples
    from revproxy.app.showing import sample_line
    from revproxy.app.unconfigured import cache_folder

    found = _load(paths)
    # That all of no samples pass would be said of a slip of the pen, too.
    if none := [path for path in paths if not _load((path,))]:
        raise together([ConfigError("there are no signatures in it", Location(path)) for path in none])
    with Compiling() as told:
        rules = linked([lower(s) for s in found], cache_folder(), told=told)
    failed = passed = 0
    for ran in run_samples(found, rules):
        if ran.passed:
            passed += 1
            continue
        failed += 1
        wrong = "does not match" if ran.expected else "matches"
        click.echo(f"{ran.sample.where}: {ran.signature.id} {wrong} this sample: {sample_line(ran.sample)}")
    for signature in found:
        if always_runs(lower(signature)):
            click.echo(
                f"{signature.origin}: {signature.id} runs on every transaction: nothing in it can be searched for"
            )
    click.echo(f"{passed} passed, {failed} failed, 0 skipped")
    if failed:
        sys.exit(1)


def _load(paths: tuple[str, ...]) -> list[Signature]:
    return load_all(read_signature_files(paths or (shipped_signatures(),)))


def _known(paths: tuple[str, ...], rules: tuple[str, ...], paranoia: int = 0) -> Known:
    from revproxy.app.showing import known_rules

    return known_rules(paths or (() if rules else (str(shipped_signatures()),)), rules, paranoia)
