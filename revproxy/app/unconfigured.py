"""Settings where there is no configuration: our signatures, the shipped limits, no listener and no upstream.

For commands that inspect files and for sets that are tried alone. What a front end starts with is `config`'s matter.
"""

from __future__ import annotations

import os
from pathlib import Path

from revproxy.config import Settings
from revproxy.config.settings import Inspection
from revproxy.config.shipped import shipped_signatures


def cache_folder() -> str:
    """Where compiled signatures are kept when no configuration names a folder."""
    return str(Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "revproxy")


def offline_settings() -> Settings:
    """For `inspect` without a configuration."""
    return Settings((), (), inspection=Inspection(signatures=(str(shipped_signatures()),)), cache=cache_folder())
