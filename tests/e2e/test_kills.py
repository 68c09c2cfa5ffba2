"""SIGKILL at about 1,000 requests a second: who is killed costs what it had in flight and no more, and is back soon.
Without a supervisor the others go on, until another one takes over the sockets, or nobody comes.

Times, and the rate that the machine was able to keep, are printed (`pytest -s`). The bound on being back is a second
on a machine that does nothing else; `patience` is what one gets that does.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from paced import paced
from servers import Front, Nginx, accepts, configuration, curl, free_port, until

from revproxy.runtime.asking import ask

pytestmark = pytest.mark.e2e

RATE = 1000
CONNECTIONS = 16
BACK_SECONDS = 3.0


@pytest.fixture(scope="module")
def front(need, folder, started):
    need("nginx")
    nginx = Nginx(folder / "nginx")
    started.append(nginx)
    made = Front(folder / "front", configuration(folder / "front", nginx.port, 9, workers=2))
    started.append(made)
    return made


def generation(front):
    """The one in force, asked without a process of its own: it is looked at often."""
    return ask(f"{front.folder}/control.sock", "status", 20)["result"]["generations"][-1]


def accepting(front):
    return {worker["pid"] for worker in generation(front)["workers"] if worker["accepting"]}


def said(front):
    """Its messages."""
    return front.errors.read_text()


def steady(course):
    """Once the load has begun: how many requests a second it is."""
    until(lambda: len(course.answered) > RATE, "load")
    end = course.answered[-1]
    return course.rate(end - 0.5, end)


def patience():
    """Seconds: more, where others wait for the processors too."""
    return BACK_SECONDS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def tell(what, back, course, rate):
    """The figures."""
    print(f"\n{what}: back after {back:.2f} s at {rate:.0f} requests a second; {len(course.failed)} of ", end="")
    print(f"{len(course.answered)} requests failed, {course.longest_gap():.2f} s without an answer at most")


def test_a_worker(front):
    with paced(front.ports["web"], per_second=RATE, connections=CONNECTIONS) as course:
        rate = steady(course)
        (worker, *_) = sorted(generation(front)["workers"], key=lambda one: -one["status"]["connections"])
        killed = time.monotonic()
        os.kill(worker["pid"], signal.SIGKILL)
        until(lambda: len(accepting(front) - {worker["pid"]}) == 2, "worker in its place")
        back = time.monotonic() - killed
        served = len(course.answered)
        until(lambda: len(course.answered) > served + RATE, "service")
    tell("worker", back, course, rate)
    # One in flight at most on each of its connections, and nobody is refused meanwhile.
    assert len(course.failed) <= worker["status"]["connections"]
    assert not course.refused
    assert all(when - killed < 0.5 for when, _ in course.failed)
    assert back < patience()


def test_the_broker(front):
    with paced(front.ports["web"], per_second=RATE, connections=CONNECTIONS) as course:
        rate = steady(course)
        dead = generation(front)["broker"]["pid"]
        killed = time.monotonic()
        os.kill(dead, signal.SIGKILL)
        until(lambda: f"broker {generation(front)['broker']['pid']} takes its place" in said(front), "broker")
        back = time.monotonic() - killed
        served = len(course.answered)
        until(lambda: len(course.answered) > served + RATE, "service")
    tell("broker", back, course, rate)
    assert not course.failed
    assert back < patience()


def test_all_workers_at_once(front):
    """Nobody is left to accept: connections wait in the kernel until somebody is."""
    with paced(front.ports["web"], per_second=RATE, connections=CONNECTIONS) as course:
        rate = steady(course)
        dead = accepting(front)
        killed = time.monotonic()
        for pid in dead:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(accepting(front) - dead) == 2, "workers in their places")
        back = time.monotonic() - killed
        served = len(course.answered)
        until(lambda: len(course.answered) > served + RATE, "service")
    tell("all workers", back, course, rate)
    assert len(course.failed) <= CONNECTIONS
    assert not course.refused
    # Two start at once.
    assert back < 2 * patience()


@pytest.fixture
def orphaned(need, folder, started):
    """`orphaned(name, **settings)`: a front end on a port of its own, with mail, and what starts it again."""
    need("nginx", "curl")
    nginx = Nginx(folder / f"inside-{len(started)}")
    started.append(nginx)

    def start(name, **changes):
        web = {"name": "web", "kind": "http", "bind": f"127.0.0.1:{free_port()}"}
        settings = configuration(folder / name, nginx.port, 9, workers=2, listeners=[web], **changes)

        def again():
            made = Front(folder / name, settings)
            started.append(made)
            return made

        return again

    return start


def killed(front):
    """Kill the supervisor; the processes that it leaves."""
    found = generation(front)
    pids = [found["broker"]["pid"], *(worker["pid"] for worker in found["workers"])]
    front.process.kill()
    front.process.wait()
    return pids


def alive(pid):
    """Whether it runs (who has no parent here may stay a zombie until somebody collects it)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def test_the_supervisor(orphaned):
    start = orphaned("succeeded")
    front = start()
    with paced(front.ports["web"], per_second=RATE, connections=CONNECTIONS) as course:
        rate = steady(course)
        left = killed(front)
        served = len(course.answered)
        until(lambda: len(course.answered) > served + RATE, "service without a supervisor")
        assert all(map(alive, left))
        began = time.monotonic()
        second = start()
        back = time.monotonic() - began
        until(lambda: not any(map(alive, left)), "end of those of before")
        served = len(course.answered)
        until(lambda: len(course.answered) > served + RATE, "service of those that came")
        # And once more: what was taken over can be left again, also by way of a broker that came later.
        os.kill(generation(second)["broker"]["pid"], signal.SIGKILL)
        until(lambda: "takes its place" in said(second), "broker in its place")
        left = killed(second)
        third = start()
        until(lambda: not any(map(alive, left)), "end of those in between")
    tell("supervisor, from the start of another one", back, course, rate)
    assert not course.failed
    assert "took over the listening sockets" in said(second)
    assert third.stop() == 0


def test_one_that_cannot_start_leaves_those_of_before_alone(orphaned):
    start = orphaned("stubborn")
    front = start()
    left = killed(front)
    text = front.file.read_text()
    front.file.write_text(text + "nonsense: 1\n")
    assert front.tell("run").returncode == 2
    front.file.write_text(text.replace("127.0.0.1:0", "192.0.2.1:1"))
    assert front.tell("run").returncode != 0
    assert curl(f"{front.url}/page")[0] == 200
    start()
    until(lambda: not any(map(alive, left)), "end of those of before")


def test_nobody_comes(orphaned):
    front = orphaned("forgotten", orphan_seconds=1)()
    left = killed(front)
    until(lambda: not any(map(alive, left)), "end of all of them")
    assert "nobody came in place of the supervisor" in said(front)
    assert not accepts(front.ports["web"])


def test_they_are_told_to_drain(orphaned):
    front = orphaned("dismissed")()
    left = killed(front)
    assert "no supervisor" in front.tell("drain").stdout
    until(lambda: not any(map(alive, left)), "end of all of them")
    assert front.tell("drain").returncode == 1
