"""A test build of the front end: its workers, locked in and serving, try what a burglar in them would try.

`burgled.py run FILE` is the supervisor, with this file as its worker. The attempts are those of `dmz verify`, on the
places in the environment's BURGLAR (JSON), which a worker gets as an argument; each worker writes what came of them
to stderr, as a line of JSON. The two attempts that may end a process, or its way to the broker, are left out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from itertools import chain
from socket import socket

from revproxy.app import service
from revproxy.app.build import Parts, build
from revproxy.app.prepared import Prepared
from revproxy.app.verify import network, system
from revproxy.app.verify.attempt import made
from revproxy.app.verify.probe import Errand, ground_of
from revproxy.runtime.parts import Cell
from revproxy.runtime.worker import run_worker


def burgled(places: str, prepared: Prepared, index: int, pieces: dict[str, bytes], cell: Cell) -> Parts:
    """A worker's parts, with somebody in them."""
    told = json.loads(places)
    errand = Errand(prepared.settings, tuple(map(tuple, told["strangers"])), tuple(told["private"]))
    assert cell.egress is not None
    ground = ground_of(errand, cell.egress.dup())
    parts = build(prepared, index, pieces, cell)
    begin = parts.start

    async def start(sockets: Mapping[str, socket]) -> None:
        await begin(sockets)
        rows = [asdict(made(one)) for one in chain(network.attempts(ground), system.attempts(ground))]
        sys.stderr.write(f"burglar: {json.dumps(rows)}\n")

    parts.start = start
    return parts


def main() -> int:
    if sys.argv[1] != "run":
        return run_worker(partial(burgled, sys.argv[1]), int(sys.argv[2]))
    service.WORKER = (sys.executable, "-P", __file__, os.environ["BURGLAR"])
    return service.run(sys.argv[2], lambda line: print(line, flush=True))


if __name__ == "__main__":
    sys.exit(main())
