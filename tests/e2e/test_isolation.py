"""What the processes do for one another: the broker connects, and is replaced when it is gone."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from servers import Front, Nginx, configuration, curl, in_background, until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def nginx(need, folder, started):
    need("nginx", "curl")
    made = Nginx(folder / "nginx", extra="location /close { add_header Connection close; return 200 closed; }")
    started.append(made)
    return made


@pytest.fixture(scope="module")
def front(nginx, folder, started):
    # Names are resolved by the broker; nobody listens on the mail server's port.
    upstreams = {"web": f"localhost:{nginx.port}", "mail": "127.0.0.1:9"}
    settings = configuration(folder / "front", nginx.port, 9, upstreams=upstreams, workers=2)
    made = Front(folder / "front", settings)
    started.append(made)
    return made


def broker(front):
    """What `status` says of it."""
    return front.status()["generations"][-1]["broker"]


def test_a_killed_broker_is_replaced_within_a_second_and_requests_go_on(front, nginx):
    statuses, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            # A new connection to the inside each time.
            statuses.append(curl(f"{front.url}/close?n={len(statuses)}")[0])

    with in_background(ask):
        until(lambda: len(statuses) > 5, "answers")
        dead = broker(front)["pid"]
        os.kill(dead, signal.SIGKILL)
        killed = time.monotonic()
        until(lambda: "takes its place" in front.errors.read_text(), "a new broker")
        took = time.monotonic() - killed
        count = len(statuses)
        until(lambda: len(statuses) > count + 20, "answers afterwards")
        stop.set()
    assert took < 1.0
    assert set(statuses) == {200}
    assert broker(front)["pid"] not in (0, dead)
    assert broker(front)["restarts"] == 1
