"""Floor 9: arguments in, one call into `app`, text or JSON out.

The group loads a subcommand's module only when that subcommand is asked for, so that `--help` answers at once and
one command's libraries do not cost the others. Errors that a person made are shown as they are, without a traceback.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from dataclasses import dataclass
from typing import Any

import click

from revproxy import __version__
from revproxy.errors import LocatedError, ManyErrors, RevproxyError, UseError

_UNWRITTEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
"""What writing to a full disk says. A pipe that nobody reads any more is click's to handle."""

EXIT_DONE, EXIT_REFUSED, EXIT_WRONG = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _Lazy:
    """Where a subcommand lives, and its line in the help."""

    place: str
    help: str = ""
    """Empty: not shown."""


COMMANDS: dict[str, _Lazy] = {
    "demo": _Lazy("revproxy.cli.demo:demo", "Everything on this machine, with embedded internal servers."),
    "init": _Lazy("revproxy.cli.setup:init", "Write an annotated revproxy.yaml and the folders that it names."),
    "check": _Lazy("revproxy.cli.setup:check", "Say whether a configuration is good, and where it is not."),
    "run": _Lazy("revproxy.cli.run:run", "Start the front end."),
    "status": _Lazy("revproxy.cli.run:status", "What a running front end does."),
    "reload": _Lazy("revproxy.cli.run:reload", "Start a new generation with the configuration as it is now."),
    "upgrade": _Lazy("revproxy.cli.run:upgrade", "Become the version that is installed now, on the same sockets."),
    "drain": _Lazy("revproxy.cli.run:drain", "Finish what has begun, then stop."),
    "inspect": _Lazy("revproxy.cli.inspect:inspect", "Verdicts on requests or messages in files."),
    "firewall": _Lazy("revproxy.cli.firewall:firewall", "Print or check nftables rules for both sides of the DMZ."),
    "dmz": _Lazy("revproxy.cli.dmz:dmz", "Check from inside the sandbox that nothing else can be reached."),
    "signatures": _Lazy("revproxy.cli.signatures:signatures", "List, show, test and update signatures."),
    "feed": _Lazy("revproxy.cli.feed:feed", "Publish signatures."),
    "completion": _Lazy("revproxy.cli.setup:completion", "Print a shell's completion script."),
    "demo-inside": _Lazy("revproxy.cli.demo:demo_inside"),
}
"""Every subcommand, in the order of the help."""

_EPILOG = """\b
Examples:
  revproxy demo --once                 see it work, without any set-up
  revproxy init /etc/revproxy          begin a configuration
  revproxy check && revproxy run       with ./revproxy.yaml or /etc/revproxy/revproxy.yaml

\b
Exit codes:
  0  done
  1  something was refused or failed
  2  wrong use or configuration

\b
Colour is used on a terminal only, and not where NO_COLOR is set.
Completion: eval "$(revproxy completion bash)"
"""


class LazyGroup(click.Group):
    """A group whose commands are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, lazy in COMMANDS.items() if lazy.help]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        module, _, attribute = lazy.place.partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise click.UsageError(f"this installation has no {cmd_name!r}") from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of the help, without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in COMMANDS.items() if lazy.help])

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            return super().main(*args, **extra)
        except OSError as error:
            if error.errno not in _UNWRITTEN or error.filename is not None:
                raise
            # What is still buffered would fail once more when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            click.echo(f"revproxy: standard output cannot be written: {error.strerror}", err=True)
            sys.exit(EXIT_REFUSED)

    def invoke(self, ctx: click.Context) -> Any:
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except (LocatedError, ManyErrors) as error:
            click.echo(str(error), err=True)
            raise click.exceptions.Exit(EXIT_WRONG) from error
        except RevproxyError as error:
            click.echo(f"revproxy: {error}", err=True)
            raise click.exceptions.Exit(EXIT_WRONG if isinstance(error, UseError) else EXIT_REFUSED) from error


@click.group(
    cls=LazyGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", message="revproxy %(version)s")
def cli() -> None:
    """A front end for the DMZ: HTTP and mail, taken apart, held against attack signatures, written out anew."""


def main() -> None:
    """The program `revproxy`."""
    cli(prog_name="revproxy")
