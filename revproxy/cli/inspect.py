"""`revproxy inspect http|mail`: one JSON line for each request or message."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from revproxy.cli.progress import Compiling

if TYPE_CHECKING:
    from revproxy.app.offline import Item
    from revproxy.config import Blame, Settings

_EPILOG = """\b
Examples:
  revproxy inspect http request.txt            raw bytes as on the wire; the body is all that follows the head
  revproxy inspect http - < request.txt
  revproxy inspect http --jsonl recorded.jsonl.gz
  revproxy inspect http --rules coreruleset-4.28.0 --paranoia 2 request.txt
  revproxy inspect http --explain request.txt  text instead of JSON: which rules matched, on what, and what they did
  revproxy inspect http -c revproxy.yaml --against new.yaml --jsonl recorded.jsonl.gz   what would change
  revproxy inspect mail -c revproxy.yaml --from a@example.net --rcpt b@example.org message.eml

\b
A line of --jsonl is {"id": ..., "raw_b64": ...}; for mail with an optional
"envelope": {"client": ..., "helo": ..., "from": ..., "rcpt": [...]}.
Each output line: {"id", "verdict", "status", "score", "rules", "micros"}.
With --against a line for each that is judged differently, and a summary; as JSON lines with --json.

\b
Exit codes: 0 everything would pass, 1 something would be refused, 2 wrong use, configuration or file.
With --against: 1 something would be refused that passes now.
"""


@click.command(epilog=_EPILOG)
@click.argument("kind", type=click.Choice(["http", "mail"]))
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--jsonl", type=click.Path(path_type=Path), metavar="FILE", help="Recorded traffic, a line each.")
@click.option(
    "-c", "--config", type=click.Path(path_type=Path), metavar="FILE", help="Limits, rules and exclusions from it."
)
@click.option(
    "--rules",
    multiple=True,
    metavar="PATH",
    help="SecLang rules or a CRS folder instead of our signatures; repeatable.",
)
@click.option("--paranoia", type=click.IntRange(1, 4), help="Their paranoia level.")
@click.option(
    "--explain", is_flag=True, help="Tell for each which rules matched, on which values. Prints values, secrets too."
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="CONFIG",
    help="Tell what this configuration would change.",
)
@click.option("--json", "as_json", is_flag=True, help="With --against: JSON lines.")
@click.option("--detect", is_flag=True, help="Run all phases even after a denial.")
@click.option("--client", default="192.0.2.1", show_default=True, help="Mail in FILES: address of the client.")
@click.option("--helo", default="", help="Mail in FILES: its HELO name.")
@click.option("--from", "sender", default="", help="Mail in FILES: envelope sender.")
@click.option("--rcpt", multiple=True, help="Mail in FILES: envelope recipient; may be repeated.")
def inspect(
    kind: str,
    files: tuple[Path, ...],
    jsonl: Path | None,
    config: Path | None,
    rules: tuple[str, ...],
    paranoia: int | None,
    explain: bool,
    against: Path | None,
    as_json: bool,
    detect: bool,
    client: str,
    helo: str,
    sender: str,
    rcpt: tuple[str, ...],
) -> None:
    """Tell what would become of requests (KIND http) or messages (KIND mail) in FILEs (- is standard input)."""
    if bool(files) == (jsonl is not None):
        raise click.UsageError("name files or --jsonl, one of the two")
    if against is not None and explain:
        raise click.UsageError("--explain is for one configuration, --against for two")
    if as_json and against is None:
        raise click.UsageError("--json goes with --against; without it the lines are JSON")
    from revproxy.app import offline
    from revproxy.app.rulefiles import with_rules

    settings, blame = _settings(config)
    settings = with_rules(settings, rules, paranoia)
    envelope: dict[str, object] = {"client": client, "helo": helo, "from": sender, "rcpt": list(rcpt)}
    items = _items(files, jsonl, envelope)
    if against is not None:
        sys.exit(_compare(kind, items, (settings, blame), against, not detect, as_json))
    refused = 0
    lines: Iterator[tuple[dict[str, Any], str]]
    with Compiling() as told:
        if explain:
            lines = offline.explain(kind, items, settings, not detect, blame, told)
        else:
            found = offline.inspect(kind, items, settings, not detect, blame, told)
            lines = ((line, json.dumps(line)) for line in found)
        for line, text in lines:
            refused += line["verdict"] != "allow"
            sys.stdout.write(text + "\n")
    sys.stdout.flush()
    sys.exit(1 if refused else 0)


def _compare(
    kind: str, items: Iterator[Item], here: tuple[Settings, Blame], against: Path, enforces: bool, as_json: bool
) -> int:
    """The exit code: whether something is refused that was not."""
    from revproxy.app.comparing import Change, Side, Summary, compare

    summary = Summary()
    try:
        with Compiling() as told:
            for found in compare(kind, items, (Side(*here), Side(*_settings(against))), enforces, told, summary):
                sys.stdout.write((json.dumps(found.as_object()) if as_json else str(found)) + "\n")
    finally:
        # Also of what was inspected before a line that cannot be read.
        if summary.inspected:
            told_last = [json.dumps(summary.as_object())] if as_json else summary.lines()
            sys.stdout.write("".join(f"{line}\n" for line in told_last))
            sys.stdout.flush()
    return 1 if summary.changes[Change.DENIED] else 0


def _items(files: tuple[Path, ...], jsonl: Path | None, envelope: dict[str, object]) -> Iterator[Item]:
    from revproxy.app.offline import Item, read_files, read_jsonl

    if jsonl is not None:
        yield from read_jsonl(jsonl)
    else:
        yield from (Item(item.name, item.raw, envelope) for item in read_files(files))


def _settings(config: Path | None) -> tuple[Settings, Blame]:
    from revproxy.app.unconfigured import offline_settings
    from revproxy.config.loading import load, nowhere

    if config is None:
        return offline_settings(), nowhere
    loaded = load(config)
    return loaded.settings, loaded.blame
