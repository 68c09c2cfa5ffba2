import os
import socket
import stat
import subprocess
import sys
import threading

import pytest

from revproxy.audit import sinks
from revproxy.audit.sinks import FdSink, Ways, open_sink
from revproxy.errors import ConfigError


def test_a_file_is_appended_to_and_private(tmp_path):
    path = tmp_path / "log"
    for _ in range(2):
        sink = FdSink(str(path))
        assert sink.write([b"a", b"b"]) == 0
        sink.close()
    assert path.read_bytes() == b"a\nb\na\nb\n"
    assert stat.S_IMODE(path.stat().st_mode) & 0o137 == 0


def test_reopen_after_rotation(tmp_path):
    path = tmp_path / "log"
    sink = FdSink(str(path))
    sink.write([b"old"])
    path.rename(tmp_path / "log.1")
    sink.reopen()
    sink.write([b"new"])
    sink.close()
    assert (tmp_path / "log.1").read_bytes() == b"old\n"
    assert path.read_bytes() == b"new\n"


def test_a_reopen_that_fails_keeps_the_old_file(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    sink = FdSink(str(folder / "log"))
    folder.rename(tmp_path / "moved")
    assert sink.reopen() == "the log cannot be opened: No such file or directory"
    sink.write([b"still"])
    sink.close()
    assert (tmp_path / "moved" / "log").read_bytes() == b"still\n"


def test_a_full_disk_is_counted():
    sink = FdSink("/dev/full")
    assert sink.write([b"a", b"b", b"c"]) == 3
    assert sink.trouble == "No space left on device"
    sink.close()


def test_a_half_written_record_is_lost_and_the_next_begins_a_line(tmp_path, monkeypatch):
    sink = FdSink(str(tmp_path / "log"))
    real, room = os.write, [5]

    def write(fd, data):
        if not room[0]:
            raise OSError(28, "No space left on device")
        done = real(fd, bytes(data)[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(os, "write", write)
    assert sink.write([b"aaa", b"bbb", b"ccc"]) == 2
    room[0] = 100
    assert sink.write([b"ddd"]) == 0
    sink.close()
    assert (tmp_path / "log").read_bytes() == b"aaa\nb\nddd\n"


def test_a_fifo_that_nobody_reads_yet_works_when_somebody_does(tmp_path, monkeypatch):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    sink = FdSink(str(path))
    assert sink.write([b"lost", b"too"]) == 2
    assert sink.trouble == "nobody reads this FIFO"
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    # Not before its time is up.
    assert sink.write([b"lost"]) == 1
    monkeypatch.setattr(sinks, "RETRY_SECONDS", 0.0)
    sink._postpone("")
    assert sink.write([b"one"]) == 0
    assert os.read(reader, 100) == b"one\n"
    os.close(reader)
    assert sink.write([b"lost"]) == 1
    assert sink.trouble == "nobody reads this FIFO"
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    assert sink.write([b"two"]) == 0
    assert sink.trouble == ""
    sink.close()
    os.close(reader)


def test_a_closed_stdout_is_told_and_counted():
    code = (
        "import logging, os; from revproxy.audit import Records; from revproxy.config import Log\n"
        "logging.basicConfig(); os.close(int(os.environ['READER']))\n"
        "records = Records(Log('stdout'), Log('none')); records.start(); records.access(b'x'); records.close()\n"
        "assert records.dropped['access'] == 1"
    )
    reader, writer = os.pipe()
    environment = {**os.environ, "READER": str(reader), "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, env=environment, pass_fds=(reader,)
    )
    os.close(reader)
    os.close(writer)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 0
    assert said.count(b"\n") == 1
    assert b"the access log (stdout) fails: its reader is gone; 1 records lost so far" in said


def test_a_full_pipe_is_told_while_it_lasts_and_nothing_is_lost(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    told = threading.Event()
    sink = FdSink(str(tmp_path / "fifo"), lambda _: told.set())
    monkeypatch.setattr(sinks, "_STALL_SECONDS", 0.01)
    lost = []
    writer = threading.Thread(target=lambda: lost.append(sink.write([b"x" * 1000] * 200)))
    writer.start()
    assert told.wait(5)
    os.set_blocking(reader, True)
    got = 0
    while got < 200 * 1001:
        got += len(os.read(reader, 65536))
    writer.join(5)
    assert lost == [0]
    sink.close()
    os.close(reader)


@pytest.mark.parametrize("name", ["", "no/such/folder", "nul\0", "socket"])
def test_a_file_that_cannot_be_opened_is_an_error_without_a_chain(tmp_path, name):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket"))
        with pytest.raises(ConfigError) as caught:
            FdSink(f"{tmp_path}/{name}")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "to", ["file:/no/such/folder/log", "syslog:127.0.0.1:x", "syslog:host", "tape:1", "file:", "syslog:"]
)
def test_targets_that_cannot_work(to):
    with pytest.raises(ConfigError):
        open_sink(to, "access")


def test_none_has_no_sink():
    assert open_sink("none", "access") is None


def test_who_may_not_open_is_given_descriptors(tmp_path):
    path, other = tmp_path / "log", tmp_path / "other"
    asked = []

    def opening(kind, name):
        asked.append((kind, name))
        return os.open(other, os.O_WRONLY | os.O_CREAT)

    sink = open_sink(f"file:{path}", "audit", ways=Ways(open=opening))
    assert asked == [], "the first one is opened here"
    assert sink.reopen() == ""
    assert asked == [("audit", str(path))]
    assert sink.write([b"a"]) == 0
    sink.close()
    assert other.read_bytes() == b"a\n"


def test_who_may_not_connect_is_given_a_socket():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    asked = []

    def connecting(where):
        asked.append(where)
        return ours

    sink = open_sink("syslog:127.0.0.1:514", "access", ways=Ways(connect=connecting))
    assert sink.write([b"hello"]) == 0
    assert theirs.recv(1000).endswith(b" - hello")
    assert asked == ["127.0.0.1:514"]
    sink.close()
    theirs.close()
