import pytest

from revproxy.config import Loaded, Settings, nowhere
from revproxy.dmz import Owners, owners
from revproxy.errors import ConfigError


def of(**named):
    return owners(Loaded(Settings((), (), **named), (), (), nowhere))


def test_workers_and_broker():
    assert of(user="4242", broker_user="4243") == Owners(4242, 4243)


@pytest.mark.parametrize(
    "named",
    [{}, {"user": "4242"}, {"user": "4242", "broker_user": "4242"}, {"broker_user": "4243", "sandbox": False}],
)
def test_who_cannot_be_told_apart(named):
    assert of(**named) is None


def test_a_user_of_another_machine():
    with pytest.raises(ConfigError, match="broker_user: there is no user 'no-such-user' on this machine"):
        of(user="4242", broker_user="no-such-user")
