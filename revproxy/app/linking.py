"""The linked rules of settings: as they were kept when nothing has changed since, else made, and kept.

Reading and linking OWASP CRS takes seconds, finding it kept a tenth of one. What makes rules is imported only where
they have to be made.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from revproxy.app.inputs import Witness, surroundings
from revproxy.app.kept import KeptSets, Linked
from revproxy.app.rulefiles import rule_files
from revproxy.config import Blame, Inspection, Settings, nowhere
from revproxy.detection.link import Told, unheard
from revproxy.errors import ConfigError
from revproxy.inspection.sources import signature_files


def linked_rules(settings: Settings, blame: Blame = nowhere, told: Told = unheard, *, keep: bool = True) -> Linked:
    """The rules of the signatures and of the SecLang files that the settings name. Raises LocatedError, ManyErrors.

    `told` hears how far it is where it takes long; `keep` is off where the same files will not be asked for again.
    """
    question = _question(settings.inspection) if keep else ""
    kept = KeptSets(settings.cache)
    found = kept.find(question) if question else None
    if found is not None:
        return found
    # Imported here: readers of two languages, of which a warm start has no need.
    from revproxy.app.rules import link_rules

    witness = Witness()
    made = link_rules(settings, blame, witness, told)
    # Files that came or went meanwhile were maybe seen, maybe not.
    if question and question == _question(settings.inspection):
        kept.keep(question, witness.inputs(), made)
    return made


def _question(inspection: Inspection) -> str:
    """A hash of everything but the contents of files; "" where a path is wrong, which is for the readers to say."""
    try:
        signatures = [str(file) for path in inspection.signatures for file in signature_files(Path(path))]
        rules = [file for path in inspection.rules for file in rule_files(Path(path))]
    except ConfigError:
        return ""
    chosen = (signatures, rules, inspection.paranoia, inspection.disabled, inspection.signatures_for)
    return hashlib.sha256(f"{surroundings()}\n{chosen!r}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
