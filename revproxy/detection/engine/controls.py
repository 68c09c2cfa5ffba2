"""What rules ask of whoever reads the bodies, as the transaction carries it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from revproxy.detection.rules import Control
from revproxy.model import Controls


def controlled(before: Controls, asked: Mapping[Control, str]) -> Controls:
    """`before` with what was asked for."""
    return _controlled(before, tuple(asked.items()))


@lru_cache(maxsize=256)
def _controlled(before: Controls, asked: tuple[tuple[Control, str], ...]) -> Controls:
    for control, value in asked:
        match control:
            case Control.BODY_PROCESSOR:
                before = before._replace(body_processor=value)
            case Control.FORCE_BODY:
                before = before._replace(force_body=value == "on")
            case Control.BODY_ACCESS:
                before = before._replace(body_access=value == "on")
            case Control.REPLY_BODY_ACCESS:
                before = before._replace(reply_body_access=value == "on")
            case Control.ENGINE:
                # The engine's own.
                continue
    return before
