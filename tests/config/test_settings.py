import pytest

from revproxy.config import Address, Listener, ListenerKind, Log, Settings, Upstream

ADDRESS = Address("127.0.0.1", 80)


def test_addresses_as_text():
    assert str(ADDRESS) == "127.0.0.1:80"
    assert str(Address("2001:db8::1", 25)) == "[2001:db8::1]:25"


def test_upstreams_by_name():
    app = Upstream("app", Address("h", 1))
    settings = Settings((Listener("web", ListenerKind.HTTP, ADDRESS),), (app,))
    assert settings.upstream("app") is app
    with pytest.raises(KeyError):
        settings.upstream("other")


@pytest.mark.parametrize(
    ("to", "server"),
    [
        ("stdout", None),
        ("file:/var/log/a:1", None),
        ("syslog:/dev/log", None),
        ("syslog:/dev/log:1", None),
        ("syslog:10.0.0.9:514", Address("10.0.0.9", 514)),
        ("syslog:[2001:db8::9]:514", Address("2001:db8::9", 514)),
        ("syslog:logs.internal:6514", Address("logs.internal", 6514)),
    ],
)
def test_the_server_of_a_log(to, server):
    assert Log(to).server == server
