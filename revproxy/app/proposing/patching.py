"""From logs and a configuration to proposals, and a unified diff of the configuration that puts them into force.

The diff goes on the operator's own files, and `revproxy check` takes what comes of it: what `patch` would make is
loaded here first, and has to be the configuration as it was with these exclusions added, and nothing else.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from revproxy.app.exclusions import read_exclusions
from revproxy.app.proposing.choosing import Policies, Proposal, choose
from revproxy.app.proposing.evidence import Demands
from revproxy.app.proposing.records import Denials
from revproxy.app.proposing.standing import Standing
from revproxy.app.rules import excludable
from revproxy.app.tuning import tuned as policy_left_out
from revproxy.config import Exclusion, Loaded, Settings, load, nowhere
from revproxy.config.edit import place_of_domain, with_items
from revproxy.config.reader import Place
from revproxy.detection.rules import Rule
from revproxy.errors import ConfigError, Location, ManyErrors
from revproxy.inspection import Policy
from revproxy.proxy.http.routes import policy_of

_PLAIN = re.compile(r"[A-Za-z0-9/][A-Za-z0-9._/~-]*", re.ASCII)
_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))


@dataclass(frozen=True, slots=True)
class Tuned:
    """All proposals, the best founded first; which of them the patch has; what came of the rest."""

    proposals: tuple[Proposal, ...]
    chosen: frozenset[str] = frozenset()
    """Ids of those in the patch."""
    patch: str = ""
    left: Counter[str] = field(default_factory=Counter)
    """Findings of which no proposal came, by why."""
    refused: tuple[str, ...] = ()
    """Proposals that the configuration would not take, and why."""


def tune(config: Path, denials: Denials, demands: Demands, ids: Collection[str] = ()) -> Tuned:
    """`ids` choose proposals for the patch, those with marks too; without any it has all that have none.

    Raises LocatedError and ManyErrors for the configuration, ConfigError for an id that is none.
    """
    loaded = load(config)
    settings = loaded.settings
    rules = excludable(settings, loaded.blame)
    excluded = read_exclusions(policy_left_out(settings, (rule.id for rule in rules)), rules, loaded.blame)
    bases = {route.name: route.path for route in settings.routes}
    domains = frozenset(one.domain for one in settings.mail.domains)
    places = {"http": frozenset(bases), "smtp": domains}
    still, left = Standing((rule.id for rule in rules), excluded, places).still(denials.found)
    choice = choose(still, demands, _policies(settings), bases)
    proposals, refused = _taken(choice.proposals, rules)
    if unknown := set(ids) - {one.id for one in proposals}:
        raise ConfigError(f"there is no proposal {', '.join(sorted(unknown))}", Location("--id"))
    chosen = [one for one in proposals if (one.id in ids if ids else not one.evidence.marks)]
    patch = _patch(config, loaded, rules, chosen) if chosen else ""
    return Tuned(proposals, frozenset(one.id for one in chosen), patch, left + choice.left, refused)


def _policies(settings: Settings) -> Policies:
    inbound, outbound = settings.inspection.inbound_threshold, settings.inspection.outbound_threshold
    of_routes = {one.name: policy_of(one.mode, inbound, outbound, one.profile) for one in settings.routes}
    return Policies(Policy(inbound, outbound), of_routes)


def _taken(proposals: Iterable[Proposal], rules: Sequence[Rule]) -> tuple[tuple[Proposal, ...], tuple[str, ...]]:
    """Those whose rules look at their fields, as `check` would find; and what is wrong with the others."""
    taken, refused = [], []
    for one in proposals:
        alone = replace(Settings((), ()).inspection, exclusions=(exclusion_of(one),))
        try:
            read_exclusions(Settings((), (), inspection=alone), rules, nowhere)
        except ManyErrors as error:
            refused.append(f"{one.id}: {error.errors[0].message}")
        else:
            taken.append(one)
    return tuple(taken), tuple(refused)


def exclusion_of(one: Proposal) -> Exclusion:
    """A proposal as a setting."""
    found = one.evidence
    asked = "requests" if one.protocol == "http" else "messages"
    reason = f"tuned: {found.transactions} {asked}, {found.clients} clients, {duration(found.seconds)}"
    return Exclusion(one.rules, (), (one.selector,) if one.selector else (), (), one.path, reason)


def duration(seconds: float) -> str:
    """For a person: whole days, hours, minutes or seconds."""
    unit, word = next(((unit, word) for unit, word in _UNITS if seconds >= 2 * unit), (1, "seconds"))
    return f"{int(seconds // unit)} {word}"


def item_of(one: Exclusion) -> str:
    """An exclusion as flow YAML in one line."""
    path = "" if one.path == "/" else f", path: {_scalar(one.path)}"
    fields = f", fields: [{', '.join(map(json.dumps, one.fields))}]" if one.fields else ""
    rules = ", ".join(map(_scalar, one.rules))
    return f"{{rules: [{rules}]{fields}{path}, reason: {json.dumps(one.reason)}}}"


def _scalar(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _patch(config: Path, loaded: Loaded, rules: Sequence[Rule], chosen: Sequence[Proposal]) -> str:
    """Raises ConfigError where the files cannot be changed so."""
    made: defaultdict[tuple[str, str], list[Exclusion]] = defaultdict(list)
    for one in chosen:
        made[one.protocol, one.route].append(exclusion_of(one))
    names = [route.name for route in loaded.settings.routes]
    items: dict[Place, list[str]] = {}
    for (protocol, name), some in made.items():
        place = ("routes", names.index(name)) if protocol == "http" else place_of_domain(config, name)
        items[place] = [item_of(one) for one in some]
    texts = with_items(config, "exclusions", items)
    _verify(config, loaded.settings, rules, made, {file: after for file, (_, after) in texts.items()})
    return "".join(diff(file, config, *both) for file, both in sorted(texts.items()))


def _verify(
    config: Path,
    before: Settings,
    rules: Sequence[Rule],
    made: Mapping[tuple[str, str], Sequence[Exclusion]],
    texts: Mapping[str, str],
) -> None:
    """Hold what `patch` would make against what is wanted."""
    routes = tuple(
        replace(one, exclusions=(*one.exclusions, *made.get(("http", one.name), ()))) for one in before.routes
    )
    domains = tuple(
        replace(one, exclusions=(*one.exclusions, *made.get(("smtp", one.domain), ()))) for one in before.mail.domains
    )
    wanted = replace(before, routes=routes, mail=replace(before.mail, domains=domains))
    message, hint = "no patch can be made of this file, by the way it is written", "add the exclusions by hand"
    try:
        after = load(config, texts)
    except (ConfigError, ManyErrors) as error:
        raise ConfigError(message, Location(str(config)), hint=f"{hint}: {error}") from error
    if after.settings != wanted:
        raise ConfigError(message, Location(str(config)), hint=f"{hint}; an anchor may stand for several places")
    read_exclusions(after.settings, rules, after.blame)


def diff(file: str, config: Path, before: str, after: str) -> str:
    """A unified diff; the file is named as seen from the folder of the configuration."""
    name = os.path.relpath(file, config.absolute().parent)
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"{name}", f"{name}"
    )
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)
