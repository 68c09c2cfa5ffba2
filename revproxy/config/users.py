"""Whom workers and broker become where the program is started as root: names and numbers to users of this machine."""

from __future__ import annotations

import pwd
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from revproxy.config.settings import Settings

if TYPE_CHECKING:
    from revproxy.config.loading import Blame

DEFAULT_USERS = ("revproxy", "nobody")
"""Who workers are where the configuration names nobody: the first that this machine knows."""


@dataclass(frozen=True, slots=True)
class User:
    """Whom to become."""

    name: str
    uid: int
    gid: int


def find_user(name: str | None) -> User:
    """By name or number; None: the first of DEFAULT_USERS. Raises KeyError for nobody that this machine knows.

    A number needs no entry: its group is then the same number.
    """
    if name is None:
        for default in DEFAULT_USERS:
            with suppress(KeyError):
                return find_user(default)
        raise KeyError(DEFAULT_USERS[-1])
    if name.isascii() and name.isdigit():
        with suppress(KeyError):
            found = pwd.getpwuid(int(name))
            return User(found.pw_name, found.pw_uid, found.pw_gid)
        return User(name, int(name), int(name))
    found = pwd.getpwnam(name)
    return User(found.pw_name, found.pw_uid, found.pw_gid)


def process_users(settings: Settings, blame: Blame) -> tuple[User, User]:
    """That of the workers and that of the broker. Raises ConfigError for nobody and for root."""
    named = (("user", settings.user), ("broker_user", settings.broker_user or settings.user))
    workers, broker = (_other_than_root(key, name, blame) for key, name in named)
    return workers, broker


def _other_than_root(key: str, name: str | None, blame: Blame) -> User:
    try:
        user = find_user(name)
    except KeyError:
        raise blame(f"there is no user {name or DEFAULT_USERS[-1]!r} on this machine", (key,), "") from None
    if user.uid == 0:
        raise blame("workers and broker are not to be root", (key,), "")
    return user
