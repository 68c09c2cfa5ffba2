"""Everything that can fail, before anything is bound: signatures read and linked, certificates and folders tried.

What comes out is pickled to the workers, which then depend on no file that may change in between.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from revproxy.app.store import FolderStore
from revproxy.config import Settings
from revproxy.detection.link import RuleSet, link
from revproxy.detection.rules import Rule
from revproxy.detection.sigyaml import load_all, lower
from revproxy.errors import ConfigError, Location
from revproxy.inspection.sources import read_signature_files
from revproxy.net import DirectDialer, server_context


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a worker is built from (`runtime.Prepared`)."""

    settings: Settings
    rules: RuleSet

    @property
    def ruleset_name(self) -> str:
        """The content hash of the linked rules."""
        return self.rules.name


def read_rules(settings: Settings) -> list[Rule]:
    """The rules of the signatures that the settings name, less the disabled ones. Raises ManyErrors, LocatedError."""
    signatures = load_all(read_signature_files(settings.inspection.signatures))
    disabled = set(settings.inspection.disabled)
    return [lower(signature) for signature in signatures if signature.id not in disabled]


def linked_rules(settings: Settings) -> RuleSet:
    """Those rules, linked on all processors, with databases from the cache folder. Raises as `read_rules` does."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return link(read_rules(settings), FolderStore(settings.cache), pool.map)


def prepare(settings: Settings) -> Prepared:
    """Build once, for all workers, what they will need. Raises LocatedError or ManyErrors."""
    for listener in settings.listeners:
        if listener.tls is not None:
            server_context(listener.tls)
    try:
        DirectDialer(settings.upstreams)
    except OSError as error:
        raise ConfigError(f"an upstream's CA cannot be read: {error}", Location("upstreams")) from None
    _try_folder(settings.spool)
    return Prepared(settings, linked_rules(settings))


def _try_folder(folder: str) -> None:
    """The spool must be writable: a disk that refuses later is a limit, one that refuses now is a mistake."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the spool folder cannot be made: {error}", Location(folder)) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError("the spool folder cannot be written", Location(folder))
