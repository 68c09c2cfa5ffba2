"""The linked rules of settings: as they were kept when nothing has changed since, else made, and kept.

Reading and linking OWASP CRS takes seconds, finding it kept a tenth of one. What makes rules is imported only where
they have to be made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from revproxy.app.excluded import Excluded
from revproxy.app.inputs import Inputs, Witness, surroundings
from revproxy.app.kept import KeptSets, Linked
from revproxy.app.rulefiles import rule_files
from revproxy.app.supplied import sets_of, with_feeds
from revproxy.config import Blame, Settings, nowhere
from revproxy.detection.link.progress import Told, unheard
from revproxy.detection.link.ruleset import RuleSet
from revproxy.detection.rules import Rule
from revproxy.errors import ConfigError, ManyErrors
from revproxy.inspection.sources import signature_files

if TYPE_CHECKING:
    from revproxy.app.seclang import SecLang

Before = Callable[[], RuleSet | None]
"""A linked set that the rules may be linked onto (`detection.link.onto`), asked for where they have to be linked."""


def _nothing() -> None:
    """There is none: all rules are linked together."""


def linked_rules(
    settings: Settings,
    blame: Blame = nowhere,
    told: Told = unheard,
    *,
    keep: bool = True,
    before: Before = _nothing,
    whole: bool = False,
) -> Linked:
    """The rules of the signatures and SecLang files that the settings name, and what is left out of them where.

    `told` hears how far it is where it takes long; `keep` is off where the same files will not be asked for again.
    `whole`: not as they were linked onto others. Raises LocatedError, ManyErrors.
    """
    return begin(settings, blame, told, keep=keep, before=before, whole=whole)()


def kept_rules(settings: Settings, blame: Blame = nowhere) -> RuleSet | None:
    """The rules that are kept of these settings, for `before`; see `kept`."""
    found = kept(settings, blame)
    return None if found is None else found.rules


def kept(settings: Settings, blame: Blame = nowhere, instead: Mapping[str, str] | None = None) -> Linked | None:
    """What is kept of these settings, `instead` being as in `with_feeds`; None where it would have to be linked, or
    where something is wrong with them."""
    try:
        settings = with_feeds(settings, blame, instead)
    except (ConfigError, ManyErrors):
        return None
    question = _question(settings)
    return KeptSets(settings.cache).find(question) if question else None


def begin(
    settings: Settings,
    blame: Blame,
    told: Told = unheard,
    *,
    keep: bool = True,
    before: Before = _nothing,
    whole: bool = False,
) -> Callable[[], Linked]:
    """Find them, or read what has to be read, in which nearly all that is wrong shows; what takes longest is done by
    what this gives. Raises LocatedError, ManyErrors, as does that."""
    named, settings = settings, with_feeds(settings, blame)
    sets = sets_of(named, settings)
    question = _question(settings) if keep else ""
    kept = KeptSets(settings.cache)
    found = kept.find(question) if question else None
    if found is not None and not (whole and found.rules.patched):
        return partial(_found, replace(found, sets=sets))
    # Imported here: readers of two languages, of which a warm start has no need.
    from revproxy.app.rules import link_all, read_all

    witness = Witness()
    read = read_all(settings, blame, witness)

    def finish() -> Linked:
        made = link_all(read, settings.cache, told, before())
        # Files that came or went meanwhile were maybe seen, maybe not.
        if question and question == _question(settings):
            kept.keep(question, witness.inputs(), made)
        return replace(made, sets=sets)

    return finish


def linked_alone(settings: Settings, kind: str, rules: Sequence[Rule], seclang: SecLang) -> RuleSet:
    """The rules of a set that is tried alone: linked onto the set of that kind that was tried so before, and kept for
    the next one. A publisher tries one version after the other. Raises RuleError."""
    from revproxy.app.rules import linked

    question = hashlib.sha256(f"{surroundings()}\nalone {kind}".encode()).hexdigest()[:32]
    kept = KeptSets(settings.cache)
    found = kept.find(question)
    made = linked(rules, settings.cache, seclang, before=found.rules if found is not None else None)
    kept.keep(question, Inputs({}, {}), Linked(made, Excluded()))
    return made


def _found(linked: Linked) -> Linked:
    return linked


def _question(settings: Settings) -> str:
    """A hash of everything but the contents of files; "" where a path is wrong, which is for the readers to say."""
    inspection = settings.inspection
    try:
        signatures = [str(file) for path in inspection.signatures for file in signature_files(Path(path))]
        rules = [file for path in inspection.rules for file in rule_files(Path(path))]
    except ConfigError:
        return ""
    leveled = (rules, inspection.paranoia, inspection.crs_tuned)
    chosen = (signatures, leveled, inspection.disabled, inspection.signatures_for)
    left_out = (
        inspection.exclusions,
        [(route.name, route.exclusions) for route in settings.routes],
        [(domain.domain, domain.exclusions) for domain in settings.mail.domains],
    )
    said = f"{surroundings()}\n{chosen!r}\n{left_out!r}"
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:32]
