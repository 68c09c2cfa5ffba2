import os
import socket
import stat

import pytest

from revproxy.audit.sinks import FdSink, SyslogSink, open_sink
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


def test_a_reopen_that_fails_keeps_the_old_file(tmp_path, capsys):
    folder = tmp_path / "logs"
    folder.mkdir()
    sink = FdSink(str(folder / "log"))
    folder.rename(tmp_path / "moved")
    sink.reopen()
    sink.write([b"still"])
    sink.close()
    assert (tmp_path / "moved" / "log").read_bytes() == b"still\n"
    assert "reopening a log failed" in capsys.readouterr().err


def test_a_full_disk_is_counted():
    sink = FdSink("/dev/full")
    assert sink.write([b"a", b"b", b"c"]) == 3
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


def test_a_fifo_that_nobody_reads_is_an_error_at_once(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ConfigError, match="nobody reads"):
        FdSink(str(tmp_path / "fifo"))


@pytest.mark.parametrize(
    "to", ["file:/no/such/folder/log", "syslog:/no/such/socket", "syslog:127.0.0.1:x", "tape:1", "file:", "syslog:"]
)
def test_targets_that_cannot_work(to):
    with pytest.raises(ConfigError):
        open_sink(to, "access")


def test_none_has_no_sink():
    assert open_sink("none", "access") is None


def test_syslog_over_udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        sink = SyslogSink(f"127.0.0.1:{server.getsockname()[1]}", "audit")
        assert sink.write([b'{"a":1}', b'{"b":2}']) == 0
        first, second = server.recv(4096), server.recv(4096)
        sink.close()
    # RFC 5424 6: PRI VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP STRUCTURED-DATA SP MSG
    words = first.split(b" ")
    assert words[0] == b"<132>1"
    assert words[3:7] == [b"revproxy", str(os.getpid()).encode(), b"audit", b"-"]
    assert words[7] == b'{"a":1}'
    assert second.endswith(b'{"b":2}')


def test_syslog_over_a_local_socket_that_comes_back(tmp_path):
    path = str(tmp_path / "log")
    first = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    first.bind(path)
    sink = SyslogSink(path, "access")
    assert sink.write([b"one"]) == 0
    assert first.recv(4096).startswith(b"<134>1 ")
    first.close()
    assert sink.write([b"lost"]) == 1
    os.unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as second:
        second.bind(path)
        assert sink.write([b"two"]) == 0
        assert second.recv(4096).endswith(b" two")
    sink.close()
