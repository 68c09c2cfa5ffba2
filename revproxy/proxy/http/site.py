"""What every exchange of a worker shares, put together once by `app`. Holds things, does nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from revproxy.inspection import Inspection, Shadow
from revproxy.model import Limits
from revproxy.net import Budget, Spool
from revproxy.proxy.http.record import Recorder
from revproxy.proxy.http.routes import Router, RouteWay


@dataclass(slots=True)
class Site:
    """`inspection` is replaced when a new rule set comes in, `shadow` when one is staged; an exchange reads them
    once, at its beginning."""

    router: Router[RouteWay]
    inspection: Inspection
    limits: Limits
    new_spool: Callable[[], Spool]
    memory: Budget
    """What all bodies together may hold in memory."""
    new_id: Callable[[], str]
    recorder: Recorder
    shadow: Shadow | None = None
    draining: bool = False
    """This generation ends: every answer closes its connection."""
