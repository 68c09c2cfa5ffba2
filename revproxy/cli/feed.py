"""`revproxy feed init | add-key | publish | rotate`: running a feed of signatures. docs/feeds.md is the manual.

Exit codes: 0 done, 1 refused (keys that are needed are not here, the set does not stand its trial, another change is
under way), 2 wrong use, or a folder that is wrong.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from revproxy.cli.common import Command

if TYPE_CHECKING:
    from revproxy.updates.keys import Keys
    from revproxy.updates.repository import Repository

PASSPHRASE = "REVPROXY_FEED_PASSPHRASE"
_CODES = """\b
Exit codes:
  0  done
  1  refused: keys that are needed are not here, the set does not stand its trial, another change is under way
  2  wrong use, or a folder that is wrong
"""
_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))


def _keys(command: Command) -> Command:
    option = click.option(
        "--keys",
        multiple=True,
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        help="Where private keys are besides DIR/keys. New ones go to the first that is named. Repeatable.",
    )
    return option(command)


def _opened(folder: Path, keys: tuple[Path, ...]) -> tuple[Repository, Keys]:
    from revproxy.updates.keys import Keys
    from revproxy.updates.repository import KEYS, Repository

    ring = Keys((*keys, folder / KEYS), os.environ.get(PASSPHRASE))
    return Repository(folder, ring, datetime.now(UTC)), ring


def _tell_expiring(folder: Path, repository: Repository) -> None:
    """On standard error, where cron takes it for news."""
    from revproxy.updates.metadata import TOP

    for role, until in repository.expiring().items():
        rotates = (
            f"`revproxy feed rotate {folder} targets` makes root and targets anew, and takes enough of root's keys"
        )
        renews = rotates if role in TOP else "publish its set again"
        click.echo(f"{role} is good until {until:%Y-%m-%d} and not longer: {renews}", err=True)


@click.group("feed", epilog=_CODES)
def feed() -> None:
    """Make, sign and publish a feed of signatures (a TUF repository).

    \b
    revproxy feed init /srv/feed --role ours --role crs --root-keys 3 --root-threshold 2
    revproxy feed publish /srv/feed ours signatures/
    """


@feed.command(
    epilog=f"""\b
Example: revproxy feed init /srv/feed --role ours --root-keys 3 --root-threshold 2

\b
DIR/public is what clients are shown, by a web server or as a folder; DIR/keys is for nobody else. Private keys are
encrypted with the passphrase in {PASSPHRASE}, where it is set.

{_CODES}
"""
)
@_folder
@click.option("--role", "roles", multiple=True, required=True, help="A kind of set with keys of its own; repeatable.")
@click.option("--root-keys", type=click.IntRange(1, 20), default=1, show_default=True)
@click.option("--root-threshold", type=click.IntRange(1, 20), default=1, show_default=True)
@_keys
def init(folder: Path, roles: tuple[str, ...], root_keys: int, root_threshold: int, keys: tuple[Path, ...]) -> None:
    """Begin a feed in DIR: keys for every role, and the first metadata."""
    if root_threshold > root_keys:
        raise click.UsageError(f"{root_keys} root keys can never give {root_threshold} signatures")
    _opened(folder, keys)[0].begin(roles, root_keys, root_threshold)
    root = folder / "public/metadata/1.root.json"
    click.echo(f"clients begin with {root}; move the keys of root and targets to where nobody reaches them")


@feed.command(
    "add-key",
    epilog=f"""\b
Examples:
  revproxy feed add-key /srv/feed ours --threshold 2
  revproxy feed add-key /srv/feed root --public theirs.pem
  revproxy feed add-key /srv/feed house --new

{_CODES}
""",
)
@_folder
@click.argument("role")
@click.option("--public", type=click.Path(path_type=Path, exists=True), help="Somebody else's public key (PEM).")
@click.option("--threshold", type=click.IntRange(1, 20), help="How many signatures the role needs from now on.")
@click.option("--new", is_flag=True, help="The role does not exist yet.")
@_keys
def add_key(
    folder: Path, role: str, public: Path | None, threshold: int | None, new: bool, keys: tuple[Path, ...]
) -> None:
    """Give a role one more key. Needs the keys of root (of targets, for a kind of set), snapshot and timestamp."""
    from revproxy.updates.keys import SHOWN, read_public

    key = read_public(public) if public is not None else None
    repository, ring = _opened(folder, keys)
    keyid = repository.add_key(role, key, threshold, new)
    where = f", in {ring.path(role, keyid)}" if key is None else ""
    click.echo(f"{role} has the key {keyid[:SHOWN]}{where}")


@feed.command(
    epilog=f"""\b
Examples:
  revproxy feed publish /srv/feed ours signatures/ --version 2026.11
  revproxy feed publish /srv/feed crs coreruleset-4.28.0/
  revproxy feed publish /srv/feed                            a new timestamp only: once a day, by cron

{_CODES}
"""
)
@_folder
@click.argument("role", required=False)
@click.argument("source", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--version", help="What people call this set; the time if nothing is said.")
@click.option("--untried", is_flag=True, help="Do not compile the set and run its samples first; clients do.")
@_keys
def publish(
    folder: Path, role: str | None, source: Path | None, version: str | None, untried: bool, keys: tuple[Path, ...]
) -> None:
    """Publish the folder SOURCE as the newest set of ROLE; without them only say that all is still as it was."""
    from revproxy.app.publishing import tried_alone
    from revproxy.model import SupplyLimits
    from revproxy.updates.repository import unchecked

    repository, _ = _opened(folder, keys)
    if role is None:
        repository.renew()
        click.echo("snapshot and timestamp are new")
        _tell_expiring(folder, repository)
        return
    if source is None:
        raise click.UsageError("which folder is to be published?")
    called = version or datetime.now(UTC).strftime("%Y.%m.%d.%H%M%S")
    limits = SupplyLimits()
    check = unchecked if untried else lambda files, kind: tried_alone(source, files, kind, limits)
    digest = repository.publish(role, source, called, limits, check)
    click.echo(f"{role} {called}: {digest}")
    _tell_expiring(folder, repository)


@feed.command(
    epilog=f"""\b
Examples:
  revproxy feed rotate /srv/feed timestamp
  revproxy feed rotate /srv/feed root --key 3f5f2b5e --keys /media/new --keys /media/a --keys /media/b

{_CODES}
"""
)
@_folder
@click.argument("role")
@click.option("--key", default="", metavar="ID", help="The beginning of the old key's id, where there are several.")
@_keys
def rotate(folder: Path, role: str, key: str, keys: tuple[Path, ...]) -> None:
    """Exchange a key of a role for a new one. Needs what `add-key` needs."""
    from revproxy.updates.keys import SHOWN

    repository, ring = _opened(folder, keys)
    keyid = repository.rotate(role, key)
    click.echo(f"{role} has the key {keyid[:SHOWN]}, in {ring.path(role, keyid)}; the old one counts no more")
