"""`revproxy signatures add | update | status | promote | reject | rollback | pin`: signatures that arrive.
docs/feeds.md is the manual.

Exit codes: 0 done, 1 something was refused, and what was in force still is; 2 wrong use or configuration.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from revproxy.cli.common import config_option, find_config
from revproxy.config import Settings
from revproxy.config.loading import load

if TYPE_CHECKING:
    from revproxy.app.staging import StagedSupply
    from revproxy.app.supply import Outcome, Supply

_CODES = "Exit codes: 0 done, 1 refused (what was in force still is), 2 wrong use or configuration."
_SHOWN = 5
_file = click.Path(path_type=Path, exists=True, dir_okay=False)


class _Change(click.Command):
    """A command that can be ended in order: SIGTERM says as much as Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        from revproxy.app.ending import ENDED

        try:
            return super().invoke(ctx)
        except SystemExit as end:
            if end.code == ENDED:
                click.echo("Aborted by SIGTERM!", err=True)
            raise


_at_once = click.option("--now", is_flag=True, help="In force at once, without running in shadow first.")


def _opened(config: Path | None, at_once: bool = False) -> tuple[StagedSupply, Settings]:
    from revproxy.app.staging import StagedSupply

    file = find_config(config)
    settings = load(file).settings
    return StagedSupply(str(file), settings, at_once=at_once), settings


def _end(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        click.echo(str(outcome), err=not outcome.good)
    sys.exit(0 if all(outcome.good for outcome in outcomes) else 1)


@click.command(
    cls=_Change,
    epilog=f"""\b
Examples:
  revproxy signatures add https://feed.example/revproxy --root root.json
  revproxy signatures add /srv/feed/public --root root.json --role ours --name house
  revproxy signatures add crs coreruleset-4.28.0-minimal.tar.gz --key crs.asc
  revproxy signatures add crs https://.../v4.28.0.tar.gz --sha256 HEX

\b
The set is used where the configuration names it: `feed:NAME` in inspection.signatures or inspection.rules.
{_CODES}
""",
)
@click.argument("words", nargs=-1, required=True, metavar="URL | crs PLACE")
@click.option("--root", type=_file, help="The feed's root.json, from its publisher by a way that you trust.")
@click.option("--role", default="", help="Which of the feed's sets; needed where it has several.")
@click.option("--name", default="", help="What it is called here; the role if nothing is said.")
@click.option("--ca", type=_file, help="Authorities for HTTPS (PEM) instead of the system's.")
@click.option("--again", is_flag=True, help="It was added before: forget what is known of it.")
@click.option("--key", type=_file, help="crs: the public key that signs releases.")
@click.option("--fingerprint", default="", help="crs: of the key that signs releases; without --key in your keyring.")
@click.option("--signature", default="", metavar="PLACE", help="crs: the detached signature; PLACE.asc by default.")
@click.option("--sha256", default="", help="crs: of the archive, instead of a signature.")
@_at_once
@config_option
def add(config: Path | None, words: tuple[str, ...], **options: Any) -> None:
    """Add a feed of signatures by a path or an HTTPS address, or a release of OWASP CRS."""
    supply, settings = _opened(config, options["now"])
    if len(words) == 2 and words[0] == "crs":
        _end([_release(supply, settings, words[1], options)])
    if len(words) != 1 or options["root"] is None:
        raise click.UsageError("a feed is one address with --root FILE; a release of CRS is `crs PLACE`")
    from revproxy.updates.feeds import Source
    from revproxy.updates.trust import is_root

    root = options["root"].read_bytes()
    if not is_root(root):
        raise click.BadParameter(f"{options['root']}: this is no root.json of a feed", param_hint="--root")
    ca = str(options["ca"].resolve()) if options["ca"] else ""
    source = Source(_absolute(words[0]), options["role"], ca)
    _end([supply.add(options["name"], source, root, options["again"])])


def _release(supply: Supply, settings: Settings, place: str, options: dict[str, Any]) -> Outcome:
    from revproxy.app.ending import ending_in_order
    from revproxy.app.release import Proof, bring_release

    proof = Proof(options["key"], options["fingerprint"], options["signature"], options["sha256"])
    if not (proof.key or proof.fingerprint or proof.sha256):
        raise click.UsageError("what vouches for this release? --key, --fingerprint or --sha256")
    with ending_in_order():
        return bring_release(supply, _absolute(place), proof, settings.limits.supply)


def _absolute(place: str) -> str:
    """An address, or a path that means the same wherever `status` is asked for."""
    return place if "://" in place else str(Path(place).resolve())


@click.command(
    cls=_Change,
    epilog=f"""\b
Examples:
  revproxy signatures update
  revproxy signatures update ours
  revproxy signatures update ours --now      a patch that cannot wait

{_CODES}
""",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_at_once
@config_option
def update(config: Path | None, names: tuple[str, ...], now: bool) -> None:
    """Look for newer sets now: of all feeds, or of those named.

    A newer set runs in shadow on live traffic first (feeds.staging), and comes into force by itself where it does not
    deny what is let pass now; with --now it comes into force at once, also one that runs in shadow already. A set
    that was refused or held before is tried once more, one that was rejected only with --now.
    """
    supply, settings = _opened(config, now)
    outcomes = supply.update(names)
    if not outcomes:
        click.echo(f"no feeds in {settings.feeds.folder}: `revproxy signatures add` adds one")
    _end(outcomes)


@click.command(cls=_Change, epilog=f"\b\nExample: revproxy signatures promote ours\n\n{_CODES}")
@click.argument("name")
@config_option
def promote(config: Path | None, name: str) -> None:
    """Put the set in force that runs in shadow, or was held."""
    _end([_opened(config)[0].promote(name)])


@click.command(cls=_Change, epilog=f"\b\nExample: revproxy signatures reject ours\n\n{_CODES}")
@click.argument("name")
@config_option
def reject(config: Path | None, name: str) -> None:
    """Do without the set that runs in shadow, or was held: only one with other contents comes by itself."""
    _end([_opened(config)[0].reject(name)])


@click.command(cls=_Change, epilog=f"\b\nExample: revproxy signatures rollback ours\n\n{_CODES}")
@click.argument("name")
@config_option
def rollback(config: Path | None, name: str) -> None:
    """Put the set in force that was before. The one that is now comes back only when `update` is run."""
    _end([_opened(config)[0].rollback(name)])


@click.command(
    cls=_Change,
    epilog=f"\b\nExamples:\n  revproxy signatures pin ours\n  revproxy signatures pin ours --off\n\n{_CODES}",
)
@click.argument("name")
@click.option("--off", is_flag=True, help="Take newer sets again.")
@config_option
def pin(config: Path | None, name: str, off: bool) -> None:
    """Stay with the set that is in force."""
    _end([_opened(config)[0].pin(name, not off)])


@click.command(epilog=f"\b\nExamples:\n  revproxy signatures status\n  revproxy signatures status --json\n\n{_CODES}")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@config_option
def status(config: Path | None, as_json: bool) -> None:
    """What feeds there are, which sets are in force, and what was done last."""
    from revproxy.app.supplystatus import lines, status_of

    _, settings = _opened(config)
    told = status_of(settings)
    click.echo(json.dumps(told, indent=2) if as_json else "\n".join(lines(told, _SHOWN)))


COMMANDS = (add, update, status, promote, reject, rollback, pin)
