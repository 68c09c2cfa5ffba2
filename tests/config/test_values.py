import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.config import Address, values

GOOD = [
    (values.size, "65536", 65536),
    (values.size, "512k", 512 * 1024),
    (values.size, "16 MiB", 16 * 1024**2),
    (values.size, "1.5GiB", 3 * 512 * 1024**2),
    (values.size, "2 MB", 2_000_000),
    (values.size, "0", 0),
    (values.share, "10%", 0.1),
    (values.share, "0.1 %", 0.001),
    (values.share, "0.25", 0.25),
    (values.share, "1", 1.0),
    (values.duration, "15", 15.0),
    (values.duration, "15s", 15.0),
    (values.duration, "1.5 m", 90.0),
    (values.duration, "500ms", 0.5),
    (values.duration, "2h", 7200.0),
    (values.integer, "1_000", 1000),
    (values.boolean, "Yes", True),
    (values.boolean, "off", False),
    (values.file_mode, "0600", 0o600),
    (values.file_mode, "0o640", 0o640),
    (values.name, "www.example.org/api", "www.example.org/api"),
    (values.feed_name, "feed:our-set-2", "feed:our-set-2"),
    (values.host_name, "WWW.Example.ORG.", "www.example.org"),
    (values.host, "[2001:DB8::1]", "2001:db8::1"),
    (values.host, "10.0.0.1", "10.0.0.1"),
    (values.route_host, "*", "*"),
    (values.route_host, "*.Example.org", "*.example.org"),
    (values.network, "10.0.0.0/8", "10.0.0.0/8"),
    (values.network, "192.0.2.1", "192.0.2.1/32"),
    (values.network, "2001:db8::/32", "2001:db8::/32"),
    (values.ip_address, "[2001:DB8::1]", "2001:db8::1"),
    (values.ip_address, "192.0.2.1", "192.0.2.1"),
    (values.port, "22", 22),
    (values.port, "65535", 65535),
    (values.bind_address, "0.0.0.0:80", Address("0.0.0.0", 80)),
    (values.bind_address, "[::]:80", Address("::", 80)),
    (values.bind_address, "localhost:0", Address("127.0.0.1", 0)),
    (values.target_address, "App.internal:8080", Address("app.internal", 8080)),
    (values.target_address, "[2001:db8::1]:25", Address("2001:db8::1", 25)),
    (values.route_path, "/", "/"),
    (values.route_path, "/api/v1", "/api/v1"),
    (values.method, "M-SEARCH", "M-SEARCH"),
]
BAD = [
    (values.size, ["", "x", "-1", "1 XB", "1e9", "1..5k", "1 k k"]),
    (values.duration, ["", "5 x", "1:30", "-1s", "soon"]),
    (values.share, ["", "%", "a tenth", "10 %%", "1/10", "-1%", "5 x"]),
    (values.integer, ["", "1.5", "0x10", "-1", "١"]),
    (values.boolean, ["", "2", "maybe"]),
    (values.file_mode, ["888", "7777", "rw", ""]),
    (values.word, ["", "a\nb", "\x1b"]),
    (values.name, ["", "a b", 'a"b', "a\\b", ".a", "a" * 200]),
    (values.feed_name, ["", "feed:", "feed:A", "feed:../a", "feed:2", "feed:" + "a" * 41, "feed:a\n"]),
    (values.host_name, ["", "a..b", "-a", "a b", "é.example", "a" * 64, "a." * 200]),
    (values.host, ["1.2.3", "999.1.1.1", "::g", "1.2.3.4.5"]),
    (values.route_host, ["*a", "a.*", "a:80", "*.", "**"]),
    (values.ip_address, ["", "10.0.0.0/32", "a.example", "[::1", "fe80::1%eth0", "1.2.3"]),
    (values.port, ["", "0", "65536", "-1", "ssh", "22 ", "٢"]),
    (values.network, ["10.0.0.1/8", "x", "10.0.0.0/33"]),
    (values.bind_address, ["80", ":80", "*:80", "::1:80", "a.example:80", "1.2.3.4:65536", "1.2.3.4:x"]),
    (values.target_address, ["h", "h:0", "0.0.0.0:80", "[::]:80", "h:", "h:٣"]),
    (values.route_path, ["", "a", "/a b", "/a?b", "/a#b", "/../a", "/a/..", "//", "/a\x00", '/"']),
    (values.method, ["", "get", "CONNECT", "trace", "A B"]),
]
READERS = [read for read, _ in BAD]


@pytest.mark.parametrize(("read", "text", "value"), GOOD)
def test_good(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(("read", "text"), [(read, text) for read, texts in BAD for text in texts])
def test_bad(read, text):
    with pytest.raises(ValueError, match=r".+"):
        read(text)


@pytest.mark.parametrize("read", READERS)
@given(text=st.text(max_size=40))
def test_any_text_is_read_or_refused(read, text):
    with contextlib.suppress(ValueError):
        read(text)
