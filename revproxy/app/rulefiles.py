"""Which files of SecLang a path stands for, and settings that name others. Nothing is read here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from revproxy.config import Settings
from revproxy.errors import ConfigError, Location

_SETUPS = ("crs-setup.conf", "crs-setup.conf.example")


def rule_files(path: Path) -> list[str]:
    """The files that a path stands for, in order: itself, a folder's .conf files, or those of a CRS folder.

    Raises ConfigError for a folder without rules.
    """
    if not path.is_dir():
        return [str(path)]
    if (path / "rules").is_dir():
        setup = next((path / name for name in _SETUPS if (path / name).is_file()), None)
        found = ([setup] if setup is not None else []) + _confs(path / "rules")
    else:
        found = _confs(path)
    if not found:
        raise ConfigError("there are no rules (.conf) in this folder", Location(str(path)))
    return [str(file) for file in found]


def _confs(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.conf") if file.is_file())


def with_rules(settings: Settings, rules: Sequence[str], paranoia: int | None) -> Settings:
    """The settings with these rules for HTTP instead of signatures and rules of their own, where any are named."""
    inspection = settings.inspection
    if rules:
        inspection = replace(inspection, signatures_for=("mail",), rules=tuple(rules))
    if paranoia is not None:
        inspection = replace(inspection, paranoia=paranoia)
    return replace(settings, inspection=inspection)
