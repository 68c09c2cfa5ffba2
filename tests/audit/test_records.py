import os
import socket
import threading
import time

import pytest

from revproxy.audit import Records, syslog
from revproxy.audit.records import Channel
from revproxy.config import Log
from revproxy.errors import ConfigError

NONE = Log("none")


def test_records_reach_their_files(tmp_path):
    records = Records(Log(f"file:{tmp_path}/access"), Log(f"file:{tmp_path}/audit"))
    records.start()
    for number in range(5_000):
        records.access(b"%d" % number)
    records.audit(b"found")
    records.close()
    assert (tmp_path / "access").read_bytes().split() == [b"%d" % n for n in range(5_000)]
    assert (tmp_path / "audit").read_bytes() == b"found\n"
    assert records.dropped == {"access": 0, "audit": 0}


def test_what_has_no_room_is_dropped_and_counted():
    records = Records(Log("stdout", 10), NONE)
    for _ in range(25):
        records.access(b"x")
    assert records.dropped == {"access": 15, "audit": 0}
    assert records.waiting == {"access": 10, "audit": 0}


def test_a_log_to_nowhere_counts_nothing():
    records = Records(NONE, NONE)
    records.start()
    records.access(b"x")
    records.close()
    assert records.dropped == {"access": 0, "audit": 0}
    assert records.waiting == {"access": 0, "audit": 0}


def test_a_log_that_cannot_be_opened_is_an_error_before_the_first_accept(tmp_path):
    before = threading.active_count()
    with pytest.raises(ConfigError):
        Records(Log(f"file:{tmp_path}/a"), Log("file:/no/such/folder/log")).start()
    assert threading.active_count() == before


def test_a_log_that_blocks_stops_nobody(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    records = Records(Log(f"file:{tmp_path}/fifo", 1_000), Log(f"file:{tmp_path}/audit"))
    records.start()
    began = time.monotonic()
    for _ in range(20_000):
        records.access(b"x" * 200)
    records.audit(b"still written")
    assert time.monotonic() - began < 2
    assert records.dropped["access"] > 0
    records.close(0.3)
    assert time.monotonic() - began < 5
    assert (tmp_path / "audit").read_bytes() == b"still written\n"
    os.close(reader)
    for thread in threading.enumerate():
        if thread.name == "log-access":
            # It gives up when its reader does.
            thread.join(5)
            assert not thread.is_alive()


def test_a_full_disk_is_counted():
    records = Records(Log("file:/dev/full"), NONE)
    records.start()
    for _ in range(7):
        records.access(b"x")
    records.close()
    assert records.dropped["access"] == 7


def lines(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "revproxy.audit"]


def wait_for(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_full_disk_is_told_once(caplog):
    records = Records(Log("file:/dev/full"), NONE)
    records.start()
    for number in range(1, 4):
        records.access(b"x")
        wait_for(lambda number=number: records.dropped["access"] == number)
    records.close()
    assert lines(caplog) == ["the access log (file:/dev/full) fails: No space left on device; 1 records lost so far"]


def test_a_reopen_that_fails_is_told_and_the_old_file_goes_on(tmp_path, caplog):
    (tmp_path / "logs").mkdir()
    records = Records(Log(f"file:{tmp_path}/logs/log"), NONE)
    records.start()
    (tmp_path / "logs").rename(tmp_path / "moved")
    records.reopen()
    wait_for(lambda: lines(caplog))
    records.access(b"still")
    records.close()
    assert "cannot be opened again" in lines(caplog)[0]
    assert (tmp_path / "moved" / "log").read_bytes() == b"still\n"


@pytest.mark.parametrize("target", ["syslog:{}/socket", "syslog:no-such-host.invalid:514", "file:{}/fifo"])
def test_a_target_that_is_away_stops_no_start(tmp_path, caplog, monkeypatch, target):
    def getaddrinfo(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    os.mkfifo(tmp_path / "fifo")
    records = Records(Log(target.format(tmp_path)), Log(f"file:{tmp_path}/audit"))
    records.start()
    wait_for(lambda: lines(caplog))
    records.access(b"lost")
    records.audit(b"written")
    records.close()
    assert records.dropped == {"access": 1, "audit": 0}
    assert (tmp_path / "audit").read_bytes() == b"written\n"
    assert len(lines(caplog)) == 1


def test_a_target_that_comes_is_told_and_used(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(syslog, "RETRY_SECONDS", 0.01)
    path = str(tmp_path / "socket")
    records = Records(Log(f"syslog:{path}"), NONE)
    records.start()
    wait_for(lambda: lines(caplog))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.settimeout(5)
        server.bind(path)
        wait_for(lambda: len(lines(caplog)) == 2)
        records.access(b"here")
        assert server.recv(4096).endswith(b" here")
        records.close()
    assert "works again" in lines(caplog)[1]
    assert records.dropped == {"access": 0, "audit": 0}


def test_rotation(tmp_path):
    records = Records(Log(f"file:{tmp_path}/log"), NONE)
    records.start()
    os.rename(tmp_path / "log", tmp_path / "log.1")
    records.reopen()
    deadline = time.monotonic() + 5
    while not (tmp_path / "log").exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    records.access(b"new")
    records.close()
    records.close()
    assert (tmp_path / "log").read_bytes() == b"new\n"
    assert (tmp_path / "log.1").read_bytes() == b""


def test_taking_a_record_is_cheap():
    channel = Channel("access", Log("stdout", 10**6))
    put, line = channel.put, b"x" * 300
    began = time.process_time()
    for _ in range(100_000):
        put(line)
    # 0.1 us measured; the bound only catches a lock or a system call.
    assert (time.process_time() - began) / 100_000 < 3e-6


def test_an_error_log_is_there_when_somebody_wants_one(tmp_path):
    assert Records(NONE, NONE).error is Records(NONE, NONE, NONE).error is None
    records = Records(NONE, NONE, Log(f"file:{tmp_path}/error"))
    records.start()
    records.error(b"a line")
    records.close()
    assert (tmp_path / "error").read_bytes() == b"a line\n"
    assert records.dropped == records.waiting == {"access": 0, "audit": 0, "error": 0}


def test_the_error_log_is_written_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("revproxy.audit.records._WAKE_SECONDS", 30.0)
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    records = Records(NONE, NONE, Log(f"file:{tmp_path}/fifo"))
    records.start()
    os.set_blocking(reader, True)
    for number in range(3):
        records.error(b"%d" % number)
        assert os.read(reader, 100) == b"%d\n" % number
    records.close()
    os.close(reader)


def test_logs_that_were_started_are_closed_when_a_later_one_cannot_be(tmp_path):
    before = threading.active_count()
    good = [Log(f"file:{tmp_path}/{name}") for name in "ab"]
    with pytest.raises(ConfigError):
        Records(*good, Log("file:/no/such/folder/log")).start()
    assert threading.active_count() == before


def test_logs_are_opened_before_the_first_thread(tmp_path):
    before = threading.active_count()
    records = Records(Log(f"file:{tmp_path}/access"), NONE)
    records.open()
    assert (tmp_path / "access").exists()
    assert threading.active_count() == before
    (tmp_path / "access").rename(tmp_path / "moved")
    records.start()
    records.access(b"one")
    records.close()
    assert (tmp_path / "moved").read_bytes() == b"one\n"
    assert not (tmp_path / "access").exists()


def test_logs_that_were_opened_and_never_started_are_closed(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    records = Records(Log(f"file:{tmp_path}/access"), NONE)
    records.open()
    records.close()
    assert len(os.listdir("/proc/self/fd")) == before
