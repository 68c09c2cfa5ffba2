"""`firewall`: rules for the machines around the front end and for its own, printed or compared.

Arguments in, one call, text out. Exit codes: 0 done, 1 rules differ or cannot be had, 2 wrong use or configuration.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

import click

from revproxy.cli.common import config_option, find_config


@click.command(
    epilog="""\b
Examples:
  revproxy firewall --for outer > outer.nft         then, on that firewall: nft -f outer.nft
  revproxy firewall --for host | nft -f -
  revproxy firewall --for inner --layout three-legged
  revproxy firewall --for host --check
  ssh outer nft -j list ruleset | revproxy firewall --for outer --check --listing -

Exit codes: 0 printed, or all is in force; 1 differences, or no listing to be had; 2 wrong configuration or use.
"""
)
@config_option
@click.option(
    "--for",
    "role",
    type=click.Choice(["outer", "inner", "host"]),
    required=True,
    help="The firewall towards the Internet, the one towards the inside, or the front end's own machine.",
)
@click.option(
    "--layout",
    type=click.Choice(["dual", "three-legged"]),
    default="dual",
    show_default=True,
    help="Two firewalls, or one with three legs, which is outer and inner.",
)
@click.option("--check", is_flag=True, help="Compare with the rules in force, and list what differs.")
@click.option(
    "--listing",
    type=click.File("r", encoding="utf-8", errors="replace"),
    metavar="FILE",
    help="With --check: the output of `nft -j list ruleset` on another machine; - for standard input.",
)
def firewall(config: Path | None, role: str, layout: str, check: bool, listing: TextIO | None) -> None:
    """Print nftables rules that let through what the configuration declares, and nothing else."""
    from revproxy import dmz
    from revproxy.config import load

    if listing is not None and not check:
        raise click.UsageError("--listing is for --check")
    loaded = load(find_config(config))
    flows, whose, how = dmz.declared(loaded), dmz.Role(role), dmz.Layout(layout)
    # Firewalls do not see users, and who prints their rules may not know ours.
    owners = dmz.owners(loaded) if whose is dmz.Role.HOST else None
    made = dmz.table(flows, whose, how, owners)
    if not check:
        click.echo(dmz.heading(flows, whose, how, owners) + made.text(), nl=False)
        return
    found = dmz.table_of(listing.read() if listing else dmz.in_force(), made.name)
    lines = dmz.differences(made, found)
    click.echo("\n".join(lines) or f"table {made.name} is in force as it should be")
    sys.exit(1 if lines else 0)
