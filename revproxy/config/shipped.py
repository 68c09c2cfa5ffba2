"""Where the signatures are that come with the program; the one place that knows. Reading is done elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

from revproxy.errors import ConfigError, Location


def places() -> tuple[Path, ...]:
    """Where they may be: the source tree, the installation (pip puts data files under sys.prefix), a package's."""
    return (
        Path(__file__).resolve().parents[2] / "signatures",
        Path(sys.prefix) / "share/revproxy/signatures",
        Path("/usr/share/revproxy/signatures"),
    )


def shipped_signatures() -> Path:
    """The first of these folders that holds signatures. Raises ConfigError when there is none."""
    looked = places()
    for place in looked:
        if any(place.glob("*.yaml")):
            return place
    raise ConfigError(
        "the shipped signatures are not installed",
        Location(str(looked[0])),
        hint=f"looked at {', '.join(map(str, looked))}",
    )
