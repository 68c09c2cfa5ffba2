"""`revproxy signatures tune`: exclusions proposed from audit records, as a patch to the configuration."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from revproxy.cli.common import config_option, find_config
from revproxy.config import values

_EPILOG = """\b
Examples:
  revproxy signatures tune -c /etc/revproxy/revproxy.yaml /var/log/revproxy/audit.jsonl*
  revproxy signatures tune audit.jsonl audit.jsonl.1.gz > tuned.patch
  revproxy signatures tune --since 7d --min 20 --json - < audit.jsonl
  revproxy signatures tune --id 1f0c2a9b audit.jsonl > tuned.patch

\b
Read what it says, then, in the folder of the configuration:
  patch -p0 < tuned.patch && revproxy check && revproxy reload

\b
A proposal that may come of one attack (too few clients, one network, too short a time, clients that were denied for
many other things) is marked, and is in the patch only when --id names it. What was not read, and what no proposal
came of, stands on standard error.

\b
Exit codes: 0 done, 1 something in a log could not be read, 2 wrong use or configuration.
"""


_log = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)


def _seconds(_: click.Context, option: click.Parameter, value: str) -> float:
    try:
        return values.duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=option) from None


def _when(_: click.Context, option: click.Parameter, value: str | None) -> float:
    """`time.time()` of a date, or of so long ago."""
    if value is None:
        return 0.0
    try:
        return time.time() - values.duration(value)
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(value)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        wrong = f"{value!r} is neither so long ago (12h, 7d) nor a date (2026-11-22, in UTC)"
        raise click.BadParameter(wrong, param=option) from None


@click.command("tune", epilog=_EPILOG)
@click.argument("logs", nargs=-1, required=True, type=_log, metavar="LOG...")
@config_option
@click.option(
    "--min", "least", type=click.IntRange(1), default=5, show_default=True, help="Denied requests or messages."
)
@click.option(
    "--clients", type=click.IntRange(1), default=3, show_default=True, help="Clients; with fewer it is marked."
)
@click.option(
    "--span",
    callback=_seconds,
    default="1h",
    show_default=True,
    metavar="DURATION",
    help="From the first to the last; with less it is marked.",
)
@click.option("--since", callback=_when, metavar="WHEN", help="Only what came later: 12h or 7d ago, or a date.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only this proposal in the patch; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text and patch.")
@click.pass_context
def tune(
    ctx: click.Context,
    logs: tuple[Path, ...],
    config: Path | None,
    least: int,
    clients: int,
    span: float,
    since: float,
    ids: tuple[str, ...],
    as_json: bool,
) -> None:
    """Propose exclusions for what audit records in LOGs (.gz too, - is standard input) say was denied."""
    from revproxy.app import proposing

    path = find_config(config)
    read = proposing.read_denials(logs, since)
    tuned = proposing.tune(path, read, proposing.Demands(least, clients, span), ids)
    click.echo(proposing.as_json(tuned, read) if as_json else proposing.as_text(tuned), nl=as_json)
    for line in (*proposing.unread(read), *proposing.left_out(tuned)):
        click.echo(line, err=True)
    ctx.exit(1 if read.wrong else 0)
