"""What several commands share: the configuration option. Nothing here does the work of a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
PLACES = (Path("revproxy.yaml"), Path("/etc/revproxy/revproxy.yaml"))
"""Where a configuration is looked for when no option names one."""


def config_option(command: Command) -> Command:
    """`-c FILE` as parameter `config: Path | None`; see `find_config`."""
    option = click.option(
        "-c",
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The configuration; else ./revproxy.yaml, then /etc/revproxy/revproxy.yaml.",
    )
    return option(command)


def find_config(asked: Path | None) -> Path:
    """The configuration's path; UsageError (exit code 2) when none is named and none is found."""
    if asked is not None:
        return asked
    for place in PLACES:
        if place.is_file():
            return place
    raise click.UsageError(f"no configuration: neither {PLACES[0]} nor {PLACES[1]}; name one with -c or run init")


def address_option(_: click.Context, option: click.Parameter, value: str | None) -> object:
    from revproxy.demo.run import address_of

    if value is None:
        return None
    try:
        return address_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=option) from None
