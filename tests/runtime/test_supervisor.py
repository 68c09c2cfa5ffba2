"""A real supervisor with real workers: serve, replace, reload, drain, refuse."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import tempfile
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from revproxy.runtime.asking import ask


def test_serves_and_says_where(front):
    one = front(workers=2, listeners={"web": 0, "other": 0})
    assert set(one.ports) == {"web", "other", "admin"}
    assert one.say("hello")[1] == one.say("hello", "other")[1] == "one"
    status = one.ask("status")["result"]
    assert status["ready"]
    assert [worker["accepting"] for worker in status["generations"][0]["workers"]] == [True, True]
    assert json.loads(one.get("/status"))["ruleset"] == "one"
    assert one.get("/healthz") == "alive\n"
    assert one.get("/readyz") == "ready\n"


def test_a_killed_worker_is_replaced(front):
    one = front()
    pid, _ = one.say()
    os.kill(pid, signal.SIGKILL)
    assert "killed by SIGKILL" in one.wait_for("a new one")
    one.wait_for("takes its place")
    assert one.say()[0] != pid
    assert one.ask("status")["result"]["generations"][0]["restarts"] == 1


def test_a_worker_that_hangs_is_aborted_with_its_stack_and_replaced(front):
    one = front(timing={"beat": 0.1, "beats_missed": 8})
    with one.connect() as line:
        line.send("hang")
        one.wait_for("no sign of life")
        one.wait_for("takes its place")
    assert any("most recent call first" in text for text in one.errors)
    assert one.say()[1] == "one"


async def _steady(port: int, stop: asyncio.Event, names: list[str]) -> None:
    while not stop.is_set():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello\n")
        names.append((await reader.readline()).split()[1].decode())
        writer.close()
        await writer.wait_closed()


async def test_ten_reloads_under_steady_connections_lose_nothing(front):
    one, stop, names = front(workers=2), asyncio.Event(), []
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(_steady(one.ports["web"], stop, names))
        for number in range(10):
            answer = await asyncio.to_thread(one.reload, name=f"n{number}")
            assert answer["result"] == {"generation": number + 2, "ruleset": f"n{number}", "swapped": False}
            assert (await asyncio.to_thread(one.say))[1] == f"n{number}"
        stop.set()
    assert len(names) > 100
    # Which generation speaks last is left to the scheduler: an old worker may still finish what it accepted before.
    assert set(names) >= {"n0", "n9"}


async def test_ten_swaps_under_steady_connections_lose_nothing(front):
    one, stop, names = front(workers=2), asyncio.Event(), []
    pids = {worker["pid"] for worker in one.ask("status")["result"]["generations"][0]["workers"]}
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(_steady(one.ports["web"], stop, names))
        for number in range(10):
            answer = await asyncio.to_thread(one.reload, rules=f"n{number}", pieces={f"p{number}": "x"})
            assert answer["result"] == {"generation": 1, "ruleset": f"n{number}", "swapped": True}
            assert (await asyncio.to_thread(one.say))[1] == f"n{number}"
        stop.set()
    assert set(names) >= {"n0", "n9"}
    (generation,) = one.ask("status")["result"]["generations"]
    assert {worker["pid"] for worker in generation["workers"]} == pids
    assert (generation["ruleset"], generation["restarts"]) == ("n9", 0)


def test_a_reload_without_a_change_is_a_new_generation(front):
    one = front()
    assert one.reload(rules="two")["result"]["swapped"]
    assert one.reload()["result"] == {"generation": 2, "ruleset": "two", "swapped": False}


def test_rules_that_no_worker_can_make_ready_change_nothing(front):
    one = front()
    answer = one.reload(rules="two", faults={"load": "no memory"})
    assert not answer["ok"]
    assert "no memory" in answer["error"]
    assert one.say()[1] == "one"
    assert one.reload(rules="three", faults={})["result"]["swapped"]
    assert one.say()[1] == "three"


def test_a_connection_of_the_old_generation_finishes(front):
    one = front()
    with one.connect() as line:
        assert line.say("hello")[1] == "one"
        line.send("wait")
        assert one.reload(name="two")["ok"]
        assert one.say()[1] == "two"
        assert [g["number"] for g in one.ask("status")["result"]["generations"]] == [1, 2]
        line.send("go on")
        assert line.answer()[1] == "one"
    one.wait_for("generation 1 is over")


def test_an_old_generation_that_does_not_finish_is_ended(front):
    one = front(drain_seconds=0.2)
    with one.connect() as line:
        line.say("hello")
        line.send("wait")
        assert one.reload(name="two")["ok"]
        assert line.file.readline() == b""
    one.wait_for("generation 1 is over")


def test_sigterm_drains_what_is_open(front):
    one = front()
    with one.connect() as line:
        line.say("hello")
        line.send("wait")
        one.signal(signal.SIGTERM)
        one.wait_for("draining")
        line.send("go on")
        assert line.answer()[1] == "one"
    assert one.process.wait(10) == 0
    assert not (one.folder / "control").exists()


def test_drain_by_the_control_socket(front):
    one = front()
    assert one.ask("drain", until_gone=True)["result"] == {"drain_seconds": 5}
    assert one.process.wait(10) == 0


def test_a_second_sigterm_ends_at_once(front, ended):
    one = front(drain_seconds=60)
    with one.connect() as line:
        pid, _ = line.say("hello")
        one.signal(signal.SIGTERM)
        one.wait_for("draining")
        one.signal(signal.SIGINT)
        assert one.process.wait(10) == 1
        ended(pid)


def test_workers_end_when_the_supervisor_is_killed(front, ended):
    one = front()
    with one.connect() as line:
        pid, _ = line.say("hello")
        one.signal(signal.SIGKILL)
        one.process.wait(10)
        assert line.say("again")[0] == pid
    ended(pid)


def test_a_worker_that_hangs_without_a_supervisor_ends(front, ended):
    one = front(timing={"beat": 0.05, "beats_missed": 20, "grace": 0.1})
    with one.connect() as line:
        pid, _ = line.say("hello")
        one.signal(signal.SIGKILL)
        one.process.wait(10)
        line.send("hang")
        ended(pid)


@pytest.mark.parametrize("fault", ["prepare", "build", "start"])
def test_a_failing_reload_leaves_the_old_generation(front, free_port, fault):
    one = front()
    answer = one.reload(name="two", listeners={"web": 0, "new": free_port}, faults={fault: "it is broken"})
    assert not answer["ok"]
    assert "it is broken" in answer["error"]
    if fault == "prepare":
        assert answer["kind"] == "ConfigError"
        assert "plan.json:3:7" in answer["error"]
    assert one.say()[1] == "one"
    assert len(one.ask("status")["result"]["generations"]) == 1
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", free_port), 5):
        pass
    assert one.reload(faults={})["ok"]
    assert one.say()[1] == "two"


def test_sighup_reloads_and_says_what_is_wrong(front):
    one = front()
    one.write(faults={"prepare": "it is broken"})
    one.signal(signal.SIGHUP)
    assert "it is broken" in one.wait_for("reload failed")
    one.write(name="two", faults={})
    one.signal(signal.SIGHUP)
    one.wait_for("generation 2 is in force")
    assert one.say()[1] == "two"


def test_a_reload_adds_and_drops_listeners_and_moves_the_admin_listener(front, free_port):
    one = front(listeners={"web": 0, "old": 0})
    old, admin = one.ports["old"], one.ports["admin"]
    assert one.reload(listeners={"web": 0, "new": free_port}, admin=None)["ok"]
    one.ports["new"] = free_port
    assert one.say("hello", "new")[1] == one.say("hello", "web")[1] == "one"
    for gone in (old, admin):
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", gone), 5):
            pass


def test_the_control_socket_moves_while_it_is_spoken_to(front):
    one = front()
    elsewhere = str(one.folder / "elsewhere")
    assert one.reload(control=elsewhere, mode=0o660)["ok"]
    assert not (one.folder / "control").exists()
    assert stat.S_IMODE(os.stat(elsewhere).st_mode) == 0o660


def test_the_control_socket_has_its_mode_and_a_second_supervisor_is_refused(front):
    one = front(mode=0o640)
    assert stat.S_IMODE((one.folder / "control").stat().st_mode) == 0o640
    two = front(ready=False)
    assert two.process.wait(10) == 2
    assert "another revproxy answers" in "".join(two.rest())
    assert one.ask("status")["ok"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can try it as another user")
def test_a_stranger_is_not_heard_even_when_the_file_lets_him_in(front):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        front(mode=0o666, control=f"{folder}/control")
        with socket.socket(socket.AF_UNIX) as stranger:
            os.seteuid(65534)
            try:
                stranger.connect(f"{folder}/control")
            finally:
                os.seteuid(0)
            with suppress(BrokenPipeError):  # it was told so and left before it could ask
                stranger.sendall(b'{"do": "drain"}\n')
            assert b"uid 65534 is not allowed" in stranger.recv(4096)
        assert ask(f"{folder}/control", "status", 10)["result"]["state"] == "running"


def test_totals_never_go_backwards(front):
    one = front(workers=2)
    for _ in range(7):
        one.say()
    assert one.counted() == 7
    assert one.reload(name="two")["ok"]
    one.wait_for("generation 1 is over")
    assert one.counted() == 7
    pid, _ = one.say()
    shown = one.counted()
    assert shown == 8
    os.kill(pid, signal.SIGKILL)
    one.wait_for("takes its place")
    one.say()
    assert one.counted() == 9


def test_sigusr1_opens_the_logs_anew(front):
    one = front()
    pid, _ = one.say()
    one.signal(signal.SIGUSR1)
    one.wait_for("log files were opened anew")
    assert (one.folder / "reopened").read_text().split() == [str(pid)]


def test_not_ready_while_a_worker_is_missing(front):
    one = front(timing={"backoff_first": 60.0, "backoff_most": 60.0})
    os.kill(one.say()[0], signal.SIGKILL)
    one.wait_for("a new one in 60.0 s")
    with pytest.raises(urllib.error.HTTPError) as caught:
        one.get("/readyz")
    assert caught.value.code == 503
    caught.value.close()
    assert one.reload(name="two")["ok"], "a reload brings whole workers"
    assert one.get("/readyz") == "ready\n"


@pytest.mark.parametrize("step", ["prepare", "build"])
def test_a_drain_gives_up_a_reload_that_is_under_way(front, step):
    one = front()
    fifo = str(one.folder / "fifo")
    os.mkfifo(fifo)
    with ThreadPoolExecutor(1) as pool:
        reloading = pool.submit(one.reload, faults={"stall": step, "fifo": fifo})
        with open(fifo, "wb"):
            one.signal(signal.SIGTERM)
            assert reloading.result(20) == {"ok": False, "error": "given up: draining", "kind": "RevproxyError"}
            assert one.process.wait(10) == 0


def test_reloads_queue(front):
    one = front()
    fifo = str(one.folder / "fifo")
    os.mkfifo(fifo)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(one.reload, name="two", faults={"stall": "prepare", "fifo": fifo})
        with open(fifo, "wb"):
            second = pool.submit(one.reload, name="three", faults={})
            assert one.ask("status")["result"]["ruleset"] == "one", "the supervisor goes on"
        assert first.result(20)["result"] == {"generation": 2, "ruleset": "two", "swapped": False}
        assert second.result(20)["result"] == {"generation": 3, "ruleset": "three", "swapped": False}


def test_no_reload_while_draining(front):
    one = front()
    with one.connect() as line:
        line.say("hello")
        assert one.ask("drain")["ok"]
        one.wait_for("draining")
        assert one.ask("reload")["error"] == "no reload while draining"
        one.signal(signal.SIGTERM)
        assert line.say("still here")[1] == "one"
    assert one.process.wait(10) == 0


def test_a_service_manager_is_told(front, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
        monkeypatch.setenv("WATCHDOG_USEC", "50000000")
        one = front()

        def told():
            while (text := manager.recv(4096).decode()) == "WATCHDOG=1":
                pass
            return text.split("\n")

        assert told() == ["READY=1", "STATUS=serving with rule set one"]
        one.reload(name="two")
        assert told()[0] == "RELOADING=1"
        assert told() == ["READY=1", "STATUS=serving with rule set two"]
        one.signal(signal.SIGTERM)
        assert told()[0] == "STOPPING=1"
        assert one.process.wait(20) == 0


def test_an_update_swaps_rules_and_nothing_else(front):
    one = front()
    one.write(rules="two")
    assert one.ask("swap")["result"] == {"generation": 1, "ruleset": "two", "swapped": True}
    assert one.say()[1] == "two"
    assert one.ask("swap")["result"] == {"generation": 1, "ruleset": "two", "swapped": False}
    # What somebody has written into the configuration since is for a reload.
    one.write(rules="three", drain_seconds=9)
    answer = one.ask("swap")
    assert not answer["ok"]
    assert "reload it first" in answer["error"]
    assert one.say()[1] == "two"
    assert one.ask("reload")["ok"]


def test_rules_in_shadow(front):
    one = front(workers=2)
    assert one.ask("stage")["result"] == one.ask("staging")["result"] == {}
    one.write(staged="other")
    told = one.ask("stage")["result"]
    assert (told["name"], told["staged"], told["ruleset"], told["decision"]) == ("other", "other", "one", "")
    assert one.say()[1] == "one"
    one.wait_for("other is staged: rule set other beside one")
    # Rules of another name are judged beside it anew, those of the same go on, in new workers too.
    one.reload(rules="two")
    one.wait_for("other is staged: rule set other beside two")
    one.reload(workers=1, name="more")
    one.wait_for("other is staged: rule set other beside two")
    assert one.ask("staging")["result"]["ruleset"] == "two"
    one.write(staged="")
    assert one.ask("stage")["result"] == {}


def test_rules_that_cannot_be_in_shadow(front):
    one = front()
    one.write(staged="other", faults={"load": "no memory"})
    told = one.ask("stage")["result"]
    assert "it cannot be staged: " in told["report"]["fault"]
    one.wait_for("other: hold: it could not judge")
    assert one.ask("staging")["result"]["decision"] == "hold"
    assert one.say()[1] == "one"
