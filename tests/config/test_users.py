"""Whom a name, a number and nothing stand for."""

from __future__ import annotations

import pwd

import pytest

from revproxy.config import Settings, nowhere, users
from revproxy.config.users import User, find_user, process_users
from revproxy.errors import ConfigError


def test_by_name_by_number_and_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    found = User("nobody", nobody.pw_uid, nobody.pw_gid)
    assert find_user("nobody") == found
    assert find_user(str(nobody.pw_uid)) == found
    assert find_user("4242424") == User("4242424", 4242424, 4242424)
    monkeypatch.setattr(users, "DEFAULT_USERS", ("no such user", "nobody"))
    assert find_user(None) == found
    monkeypatch.setattr(users, "DEFAULT_USERS", ("no such user",))
    for name in (None, "no such user"):
        with pytest.raises(KeyError):
            find_user(name)


def test_workers_and_broker() -> None:
    one, other = find_user("4242"), find_user("4243")
    assert process_users(Settings((), (), user="4242", broker_user="4243"), nowhere) == (one, other)
    assert process_users(Settings((), (), user="4242"), nowhere) == (one, one)


@pytest.mark.parametrize(
    ("named", "wrong"),
    [
        ({"user": "no-such-user"}, "user: there is no user 'no-such-user' on this machine"),
        ({"user": "4242", "broker_user": "no-such-user"}, "broker_user: there is no user 'no-such-user'"),
        ({"user": "0"}, "user: workers and broker are not to be root"),
        ({"user": "4242", "broker_user": "root"}, "broker_user: workers and broker are not to be root"),
    ],
)
def test_nobody_and_root(named: dict[str, str], wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        process_users(Settings((), (), **named), nowhere)
