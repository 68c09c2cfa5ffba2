"""`init`, `check` and `completion`: what one does before the first start."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from revproxy import config
from revproxy.cli.common import config_option, find_config
from revproxy.cli.progress import Compiling

FOLDERS = {"logs": 0o750, "run": 0o700, "spool": 0o700, "cache": 0o700}
"""The folders that the written configuration names, and their modes."""


@click.command(epilog="\b\nExample: revproxy init /etc/revproxy\nExit codes: 0 written, 1 refused, 2 wrong use")
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
def init(directory: Path) -> None:
    """Write an annotated revproxy.yaml into DIR (default: here) and make the folders that it names.

    Nothing that exists is changed; a revproxy.yaml that is there already is an error.
    """
    target = directory / "revproxy.yaml"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="utf-8") as file:
            file.write(config.template())
        for name, mode in FOLDERS.items():
            (directory / name).mkdir(mode=mode, exist_ok=True)
    except FileExistsError as error:
        raise click.ClickException(f"{error.filename} exists already; nothing was changed") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    click.echo(f"{target} is written. Next: edit it, then revproxy check -c {target}")


@click.command(
    epilog="\b\nExample: revproxy check -c /etc/revproxy/revproxy.yaml\n"
    "Exit codes: 0 good (there may be notices), 1 no worker starts, 2 not good: every error with file, line, column"
)
@config_option
@click.option(
    "--start", is_flag=True, help="Start a worker too, locked in as in service, and end it; it accepts nothing."
)
def check(config: Path | None, start: bool) -> None:
    """Read the configuration, certificates and signatures as `run` would, without binding anything."""
    file = find_config(config)
    loaded = _load(file)
    from revproxy.app.prepare import prepare
    from revproxy.detection.operators import libinjection_source

    with Compiling() as told:
        prepared = prepare(loaded.settings, loaded.blame, told)
    for notice in (*map(str, loaded.notices), *prepared.notices):
        click.secho(notice, fg="yellow", err=True)
    click.echo(summary(loaded.settings))
    click.echo(f"{len(prepared.rules.rules)} rules, rule set {prepared.ruleset_name}")
    click.echo(f"SQL and XSS detection: libinjection from {libinjection_source()}")
    if start:
        from revproxy.app.service import try_start

        missing = try_start(prepared, str(file))
        click.echo("\n".join(["a worker starts", *(f"missing of the sandbox: {what}" for what in missing)]))
    click.secho("ok", fg="green")


def _load(path: Path) -> config.Loaded:
    return config.load(path)


def summary(settings: config.Settings) -> str:
    """What a configuration sets up, in a few lines."""
    listeners = ", ".join(f"{one.name} ({one.kind} on {one.bind})" for one in settings.listeners)
    counts = (
        f"{len(settings.upstreams)} upstreams, {len(settings.routes)} routes, {len(settings.mail.domains)} domains"
    )
    sources = ", ".join(settings.inspection.signatures) or "none"
    lines = (f"listeners: {listeners}", f"{counts}, {settings.workers} workers", f"signatures: {sources}")
    return "\n".join((*lines, _zones(settings.zones)))


def _zones(zones: config.Zones | None) -> str:
    """What is held to networks, or in one line what is not."""
    if zones is None:
        return "zones: none declared, so listeners on internal legs and upstreams outside the inside are not refused"
    external = ", ".join(zones.external) or "all else"
    return f"zones: dmz {', '.join(zones.dmz)}; internal {', '.join(zones.internal)}; external {external}"


@click.command(epilog='\b\nExamples:\n  eval "$(revproxy completion bash)"\n  revproxy completion fish | source')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell, to be read by it."""
    made = get_completion_class(shell)
    if made is None:
        raise click.ClickException(f"no completion for {shell}")
    click.echo(made(ctx.find_root().command, {}, "revproxy", "_REVPROXY_COMPLETE").source(), nl=False)
