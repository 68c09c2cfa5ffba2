"""Trying a set of signatures before it comes into force: `python -m revproxy.app.trial PARENT`, not for people.

A process of its own, with bounds on its address space and its processor time. The set is read, and nothing that lies
outside of it; compiled, with all else that the configuration names where it uses the set; and its samples are run on
it alone. What it says goes to standard output as one JSON object. Compiled databases are left in the cache, so that
putting the set in force has nothing left to compile.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from revproxy.app.bounds import answer, tied
from revproxy.app.inputs import Witness
from revproxy.app.linking import kept_rules, linked_alone, linked_rules
from revproxy.app.order import Order, Tried
from revproxy.app.rules import linked
from revproxy.app.samples import Ran, run_samples
from revproxy.app.seclang import NO_SECLANG, SecLang, folded, lowered
from revproxy.app.showing import sample_line
from revproxy.app.supplied import feeds_used, missing, with_feeds
from revproxy.app.unconfigured import offline_settings
from revproxy.config import nowhere
from revproxy.config.loading import Loaded, load
from revproxy.config.settings import Inspection
from revproxy.detection.link import RuleSet
from revproxy.detection.sigyaml import Signature, load_all, lower
from revproxy.errors import LocatedError, ManyErrors, SupplyError
from revproxy.inspection.sources import read_signature_files
from revproxy.updates.manifest import Kind

_MOST_FAILURES = 5
_ALONE = Inspection(signatures=(), paranoia=4)
"""For a set that is tried without a configuration: whatever level a client has, its rules are among these."""


class Confined(Witness):
    """Reads what lies in one folder; a set that asks for more is told that it cannot be read."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = Path(os.path.realpath(folder))

    def read(self, name: str) -> bytes:
        """Raises OSError."""
        if not Path(os.path.realpath(name)).is_relative_to(self._folder):
            raise OSError(0, "outside of the set")
        return super().read(name)

    def glob(self, pattern: str) -> list[str]:
        """Only what lies in the folder."""
        return [name for name in super().glob(pattern) if Path(os.path.realpath(name)).is_relative_to(self._folder)]


def attempt(order: Order) -> Tried:
    """Try it. Raises SupplyError."""
    loaded = _loaded(order)
    try:
        signatures, seclang = _read(order, loaded.settings.inspection.paranoia)
        rules = _together(loaded, order)
        ruleset = rules.name if rules is not None else ""
        if rules is None:
            rules = linked_alone(loaded.settings, order.kind, [lower(one) for one in signatures], seclang)
        elif signatures and not _holds(rules, signatures):
            # Onto the same databases: what they find of other rules is looked at in vain.
            rules = linked([lower(one) for one in signatures], loaded.settings.cache, seclang, before=rules)
    except (LocatedError, ManyErrors) as error:
        raise SupplyError("compile", str(error)) from error
    return Tried(len(rules.rules), _samples(signatures, rules), ruleset)


def _loaded(order: Order) -> Loaded:
    if not order.config:
        return Loaded(replace(offline_settings(), inspection=_ALONE), (), (), nowhere)
    try:
        return load(order.config)
    except (LocatedError, ManyErrors) as error:
        raise SupplyError("configuration", str(error)) from error


def _holds(rules: RuleSet, signatures: Sequence[Signature]) -> bool:
    """Whether these rules are the signatures and nothing else, so that samples can be run on them as they are."""
    return {(rule.id, rule.protocols) for rule in rules.rules} == {(one.id, one.protocols) for one in signatures}


def _read(order: Order, paranoia: int) -> tuple[list[Signature], SecLang]:
    """What the set holds. Raises LocatedError, ManyErrors, and SupplyError for a set that detects nothing."""
    confined = Confined(order.folder)
    if order.kind == Kind.SIGNATURES:
        signatures = load_all(read_signature_files([order.folder], confined.read))
        if not signatures:
            raise SupplyError("compile", "there is no signature in it")
        return signatures, NO_SECLANG
    seclang = folded(lowered([order.folder], confined), paranoia)
    if not seclang.rules:
        raise SupplyError("compile", "there is no rule in it that is in force")
    if seclang.detects:
        # That is for the configuration to say.
        raise SupplyError("compile", "it turns enforcing off (SecRuleEngine DetectionOnly)")
    return [], seclang


def _samples(signatures: Sequence[Signature], rules: RuleSet) -> int:
    """How many there are. Raises SupplyError where one does not do as it should."""
    ran = list(run_samples(signatures, rules))
    if wrong := [one for one in ran if not one.passed]:
        more = f", and {len(wrong) - _MOST_FAILURES} more" if len(wrong) > _MOST_FAILURES else ""
        raise SupplyError("samples", f"{len(wrong)} failed: {'; '.join(map(_line, wrong[:_MOST_FAILURES]))}{more}")
    return len(ran)


def _line(ran: Ran) -> str:
    wrong = "does not match" if ran.expected else "matches"
    return f"{ran.sample.where}: {ran.signature.id} {wrong} {sample_line(ran.sample)}"


def _together(loaded: Loaded, order: Order) -> RuleSet | None:
    """What the configuration comes to; None where it does not use the feed, or names another one of which there is no
    set: what it comes to is then tried with that one's first. Raises SupplyError."""
    try:
        if order.feed not in feeds_used(loaded.settings) or missing(loaded.settings, order.feed):
            return None
        whole = with_feeds(loaded.settings, loaded.blame, {order.feed: order.folder})
        in_force = partial(kept_rules, loaded.settings, loaded.blame)
        return linked_rules(whole, loaded.blame, before=in_force).rules
    except (LocatedError, ManyErrors) as error:
        raise SupplyError("configuration", str(error)) from error


def main(text: str) -> int:
    """Try what the JSON text orders; the exit code."""
    order = Order(**json.loads(text))
    return answer(order, lambda: {"tried": asdict(attempt(order))})


if __name__ == "__main__":
    tied(int(sys.argv[1]))
    sys.exit(main(sys.stdin.read()))
