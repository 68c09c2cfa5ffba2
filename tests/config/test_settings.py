import pytest

from revproxy.config import Address, Listener, ListenerKind, Settings, Upstream

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
