import os
import socket
import time

import pytest

from revproxy.audit import syslog
from revproxy.audit.sinks import open_sink
from revproxy.audit.syslog import SyslogSink
from revproxy.errors import ConfigError


def bound(path):
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(path)
    return made


@pytest.fixture
def ticks(monkeypatch):
    """The sink's clock, to be set by hand."""
    now = [100.0]
    monkeypatch.setattr(syslog.time, "monotonic", lambda: now[0])
    return now


def test_over_udp():
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


def test_a_local_socket_that_comes_back(tmp_path, ticks):
    path = str(tmp_path / "log")
    first = bound(path)
    sink = SyslogSink(path, "access")
    assert sink.write([b"one"]) == 0
    assert first.recv(4096).startswith(b"<134>1 ")
    first.close()
    assert sink.write([b"lost"]) == 1
    assert sink.trouble == "Connection refused"
    os.unlink(path)
    with bound(path) as second:
        # It is left alone for some seconds.
        assert sink.write([b"lost too"]) == 1
        ticks[0] += syslog.RETRY_SECONDS
        assert sink.write([b"two"]) == 0
        assert sink.trouble == ""
        assert second.recv(4096).endswith(b" two")
    sink.close()


def test_a_local_daemon_that_was_restarted_loses_nothing(tmp_path):
    path = str(tmp_path / "log")
    first = bound(path)
    sink = SyslogSink(path, "access")
    sink.write([b"one"])
    first.close()
    os.unlink(path)
    with bound(path) as second:
        assert sink.write([b"two"]) == 0
        assert second.recv(4096).endswith(b" two")
    sink.close()


def test_a_local_socket_that_is_not_there_yet(tmp_path, ticks):
    path = str(tmp_path / "log")
    sink = open_sink(f"syslog:{path}", "access")
    assert sink.write([]) == 0
    assert sink.trouble == "No such file or directory"
    assert sink.write([b"a", b"b"]) == 2
    with bound(path) as server:
        sink.reopen()
        assert sink.write([b"three"]) == 0
        assert server.recv(4096).endswith(b" three")
    sink.close()


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_host_that_has_no_address_is_asked_for_seldom(monkeypatch, ticks, error):
    asked = []

    def getaddrinfo(*args, **kwargs):
        asked.append(args)
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    sink = SyslogSink("log.example:514", "access")
    assert not asked
    assert [sink.write([b"x"]) for _ in range(3)] == [1, 1, 1]
    assert asked == [("log.example", 514)]
    assert sink.trouble in str(error)
    ticks[0] += syslog.RETRY_SECONDS
    sink.write([b"x"])
    assert len(asked) == 2
    sink.close()


def test_a_refusal_over_udp_is_counted_and_passes(ticks):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    sink = SyslogSink(f"127.0.0.1:{port}", "audit")
    deadline = time.perf_counter() + 5
    while not sink.write([b"x"]):
        assert time.perf_counter() < deadline
    assert sink.trouble == "Connection refused"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", port))
        sink.write([b"y"])
        ticks[0] += syslog.RETRY_SECONDS
        sink.write([b"z"])
        ticks[0] += syslog.RETRY_SECONDS
        assert sink.write([b"z"]) == 0
    assert sink.trouble == ""
    sink.close()


def test_a_record_that_is_too_long_is_lost_alone(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        sink = SyslogSink(f"127.0.0.1:{server.getsockname()[1]}", "audit")
        assert sink.write([b"a", b"x" * 70_000, b"b"]) == 1
        assert sink.trouble == "Message too long"
        sink.close()


def test_a_daemon_that_does_not_read_is_told_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(syslog, "_SEND_SECONDS", 0.01)
    told = []
    with bound(str(tmp_path / "log")):
        sink = SyslogSink(str(tmp_path / "log"), "access", told.append)
        # The queue of a local datagram socket is some hundred messages at most.
        lost = next(lost for _ in range(5_000) if (lost := sink.write([b"x"])))
        sink.close()
    assert lost == 1
    assert told == [sink.trouble]


@pytest.mark.parametrize("where", ["host", "host:", "host:x", "host:0", "host:65536", ":514"])
def test_what_is_no_address_is_an_error(where):
    with pytest.raises(ConfigError):
        SyslogSink(where, "access")
