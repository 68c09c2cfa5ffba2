"""Trying a set before it is signed: as clients will, but for their configurations, which only they have."""

from __future__ import annotations

from pathlib import Path

from revproxy.app.order import Order
from revproxy.app.trying import tried
from revproxy.errors import SupplyError
from revproxy.model import SupplyLimits
from revproxy.updates.manifest import Kind


def tried_alone(source: Path, files: Path, kind: Kind, limits: SupplyLimits) -> None:
    """Try the files of a set that was packed from the folder `source`, which is what errors name.

    Raises SupplyError for a set that no client would take.
    """
    order = Order("", "", kind, str(files), limits.trial_memory_bytes, limits.trial_cpu_seconds)
    try:
        tried(order, limits.trial_seconds)
    except SupplyError as error:
        raise SupplyError(error.step, error.reason.replace(str(files), str(source))) from None
