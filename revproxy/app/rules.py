"""Rules from the files that the settings name: read, checked, lowered, linked. All of it takes seconds.

`linking` avoids that where it can, and is who should be asked. What SecLang is made of is in `seclang`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from revproxy.app.excluded import Excluded
from revproxy.app.exclusions import meant, read_exclusions
from revproxy.app.inputs import Witness
from revproxy.app.kept import Linked
from revproxy.app.seclang import NO_SECLANG, SecLang, folded, lowered
from revproxy.app.store import FolderStore
from revproxy.app.supplied import with_feeds
from revproxy.app.tuning import tuned
from revproxy.config import Blame, Settings, nowhere
from revproxy.detection.link import RuleSet, Told, link, unheard
from revproxy.detection.operators.rx import forget
from revproxy.detection.rules import Rule
from revproxy.detection.seclang.lower import Lowered
from revproxy.detection.sigyaml import load_all, lower
from revproxy.detection.sigyaml.load import forget as forget_files
from revproxy.errors import LocatedError, ManyErrors, attempt, together
from revproxy.inspection.sources import read_signature_files
from revproxy.model import Protocol

AT_ONCE = 4
"""Databases that are compiled at the same time: each takes up to some hundred megabytes meanwhile."""
_PROTOCOLS = {"http": Protocol.HTTP, "mail": Protocol.SMTP}


def read_rules(settings: Settings, blame: Blame = nowhere, witness: Witness | None = None) -> list[Rule]:
    """The rules of the signatures that the settings name, less the disabled ones. Raises ManyErrors, LocatedError.

    `witness` gets to know what was read.
    """
    reader = witness or Witness()
    signatures = load_all(read_signature_files(settings.inspection.signatures, reader.read))
    disabled = settings.inspection.disabled
    known = [signature.id for signature in signatures]
    wrong = [
        blame(f"there is no signature {word!r} to disable", ("inspection", "disabled", i), meant(word, known))
        for i, word in enumerate(disabled)
        if word not in known
    ]
    if wrong:
        raise ManyErrors(wrong)
    rules = [lower(signature) for signature in signatures if signature.id not in disabled]
    used = frozenset(_PROTOCOLS[word] for word in settings.inspection.signatures_for)
    return [replace(rule, protocols=rule.protocols & used) for rule in rules if rule.protocols & used]


@dataclass(frozen=True, slots=True)
class Read:
    """Rules of both languages, and exclusions among them."""

    signatures: list[Rule]
    seclang: SecLang
    excluded: Excluded


def excludable(settings: Settings, blame: Blame = nowhere) -> list[Rule]:
    """The rules that exclusions may name: those of both languages, as written. Raises LocatedError, ManyErrors."""
    settings = with_feeds(settings, blame)
    read = lowered(settings.inspection.rules, Witness())
    return [*read_rules(settings, blame), *_written(read)]


def _written(read: Lowered) -> list[Rule]:
    return [rule for rule in read.rules if isinstance(rule, Rule)]


def read_all(settings: Settings, blame: Blame, witness: Witness) -> Read:
    """Read all that the settings name. Raises LocatedError, ManyErrors with all that is wrong."""
    wrong: list[LocatedError] = []
    signatures = attempt(wrong, lambda: read_rules(settings, blame, witness))
    read = attempt(wrong, lambda: lowered(settings.inspection.rules, witness))
    if signatures is None or read is None:
        raise together(wrong)
    written = _written(read)
    asked = tuned(settings, (rule.id for rule in written))
    excluded = read_exclusions(asked, [*signatures, *written], blame)
    return Read(signatures, folded(read, settings.inspection.paranoia, excluded.removed()), excluded)


def link_all(read: Read, cache: str, told: Told, before: RuleSet | None = None) -> Linked:
    """Link what was read. Raises RuleError."""
    rules = linked(read.signatures, cache, read.seclang, told, before)
    return Linked(rules, read.excluded, tuple(map(str, read.seclang.notices)))


def linked(
    rules: Sequence[Rule],
    cache: str,
    more: SecLang = NO_SECLANG,
    told: Told = unheard,
    before: RuleSet | None = None,
) -> RuleSet:
    """Rules linked on the processors, with databases from the folder `cache`; onto `before` where that is given.

    Raises RuleError.
    """
    with ThreadPoolExecutor(min(os.cpu_count() or 1, AT_ONCE)) as pool:
        store, variables = FolderStore(cache), dict(more.variables)
        try:
            return link([*rules, *more.rules], store, pool.map, variables, more.detects, told, before)
        finally:
            forget()
            forget_files()
