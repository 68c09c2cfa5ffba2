"""`dmz verify`: whether a worker that somebody broke into could do more than it must.

Arguments in, one call, a table or JSON out. Exit codes: 0 nothing is possible, 1 something is, 2 wrong use or
configuration.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from revproxy.cli.common import config_option, find_config

if TYPE_CHECKING:
    from revproxy.app.verify.run import Report


@click.group()
def dmz() -> None:
    """Check that the front end can reach what it is to reach, and nothing else."""


@dmz.command(
    epilog="""\b
Examples:
  revproxy dmz verify -c revproxy.yaml
  revproxy dmz verify --to 10.0.0.9:5432 --to 10.0.0.1:22

\b
The probe is a process of its own, locked in as workers are; nothing that runs is touched. Where the sandbox
does not hold, its attempts send packets to the addresses in the table.

Exit codes: 0 all was refused, 1 something was possible, 2 the configuration is wrong.
"""
)
@config_option
@click.option(
    "--to", "more", multiple=True, metavar="HOST:PORT", help="Another address that must not be reached; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_context
def verify(context: click.Context, config: Path | None, more: tuple[str, ...], as_json: bool) -> None:
    """Try from inside a worker's sandbox what must not work: network, files, programs, the kernel."""
    from revproxy.app.verify.run import verify as run
    from revproxy.config.loading import load

    file = find_config(config)
    loaded = load(str(file))
    report = run(loaded.settings, str(file.resolve()), map(_place, more), loaded.blame)
    if as_json:
        rows = [asdict(row) for row in report.rows]
        click.echo(json.dumps({"good": report.good, "missing": report.missing, "rows": rows}, indent=2))
    else:
        click.echo("\n".join(_lines(report)))
    context.exit(0 if report.good else 1)


def _place(text: str) -> tuple[str, int]:
    from revproxy.config.values import target_address

    try:
        address = target_address(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--to") from None
    return address.host, address.port


def _lines(report: Report) -> list[str]:
    """The table, and what is to be said of it."""
    wide = max(len(row.what) for row in report.rows)
    lines = [
        f"{row.group:10s} {row.what:{wide}s}  {row.outcome}{f' ({row.why})' if row.why else ''}"
        for row in report.rows
    ]
    lines += [f"missing on this machine: {what}" for what in report.missing]
    counts = {outcome: sum(row.outcome is outcome for row in report.rows) for outcome in type(report.rows[0].outcome)}
    return [*lines, ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)]
