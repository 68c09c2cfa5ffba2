"""What the front end that runs, if any, says of itself: to commands that are another process.

Nothing is changed here, and a front end that does not answer is one that says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from revproxy.errors import PeerError
from revproxy.runtime.asking import ask
from revproxy.runtime.control import answered

_SECONDS: Final = 10.0


def running_sets(path: str) -> Mapping[str, str]:
    """The sets that workers have, by feed; none where no front end runs, or none that hears us."""
    with suppress(PeerError):
        answer = ask(path, "status", _SECONDS) if answered(path) else None
        if answer is not None and answer["ok"] and answer["result"]["generations"]:
            return dict(answer["result"]["generations"][-1].get("sets", {}))
    return {}


def running_shadow(path: str) -> dict[str, Any]:
    """What it says of the set that runs in shadow; nothing where none does."""
    with suppress(PeerError):
        if answered(path):
            return dict(ask(path, "staging", _SECONDS).get("result") or {})
    return {}
