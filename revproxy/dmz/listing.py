"""What `nft -j list ruleset` says, as the same plain data that we print (`tables`).

Only the expressions that our own rules use are turned into words, and only where they say no more than those words:
any other stands there as its JSON, and so differs from whatever we would print. Counters' values, handles, and
addresses that the kernel noted itself are left out. The order of values in braces is not the kernel's but ours.
"""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from revproxy.config.zones import IpNetwork
from revproxy.dmz.tables import FAMILY, Chain, NftSet, Table, addresses, one_of
from revproxy.errors import RevproxyError

SECONDS = 30.0
_PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
"""An ordinary PATH may lack the administrator's programs."""
_PRIORITIES = {-300: "raw", 0: "filter"}
Json = Any
"""As json.loads makes it."""


def in_force() -> str:
    """The rules that this machine's kernel has, as JSON. Raises RevproxyError where they cannot be had."""
    program = shutil.which("nft", path=_PLACES)
    if program is None:
        raise RevproxyError("nft is not installed: name a file with the output of `nft -j list ruleset`")
    command = [program, "-j", "list", "ruleset"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RevproxyError(f"nft cannot be asked: {error}") from error
    if done.returncode:
        raise RevproxyError(f"nft cannot be asked: {done.stderr.strip() or f'it ended with {done.returncode}'}")
    return done.stdout


def table_of(text: str, name: str) -> Table | None:
    """The table of that name in a listing, or None. Raises RevproxyError for what is no listing."""
    try:
        entries = json.loads(text)["nftables"]
        found: dict[str, list[Json]] = {kind: [] for kind in ("table", "set", "chain", "rule")}
        for entry in entries:
            for kind, body in entry.items():
                place = body.get("name") if kind == "table" else body.get("table")
                if kind != "metainfo" and place == name and body.get("family") == FAMILY:
                    found.setdefault(kind, []).append(body)
        return _table(name, found) if found["table"] else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RevproxyError("this is no output of `nft -j list ruleset`") from error


def _table(name: str, found: dict[str, list[Json]]) -> Table:
    rules: dict[str, list[str]] = {}
    for rule in found["rule"]:
        rules.setdefault(rule["chain"], []).append(_rule(rule))
    chains = tuple(Chain(one["name"], tuple(rules.get(one["name"], ())), _hook(one)) for one in found["chain"])
    # Objects that we never make (maps, flow tables, quotas) are shown as what they are.
    other = tuple(f"{kind} {_plain(body)}" for kind in found.keys() - _KNOWN for body in found[kind])
    flags = found["table"][0].get("flags", ())
    listed = (flags,) if isinstance(flags, str) else tuple(flags)
    return Table(name, tuple(map(_set, found["set"])), chains, (*listed, *other))


_KNOWN = {"table", "set", "chain", "rule"}


def _plain(body: Json) -> str:
    return _dump({key: value for key, value in body.items() if key != "handle"})


def _hook(chain: Json) -> str:
    if "hook" not in chain:
        return ""
    priority = _PRIORITIES.get(chain["prio"], chain["prio"])
    return f"type {chain['type']} hook {chain['hook']} priority {priority}; policy {chain['policy']};"


def _set(one: Json) -> NftSet:
    size, timeout = one.get("size", 0), one.get("timeout", 0)
    elements = () if size else _elements(one.get("elem", ()))
    return NftSet(one["name"], str(one["type"]), elements, size, timeout)


def _elements(members: list[Json]) -> tuple[str, ...]:
    try:
        return addresses(network for member in members for network in _networks(member))
    except (ValueError, TypeError):
        return tuple(map(_dump, members))


def _networks(elem: Json) -> Iterable[IpNetwork]:
    """What an element of a set stands for: an address, a prefix or a range. Raises ValueError for anything else."""
    match elem:
        case str():
            return (ipaddress.ip_network(elem),)
        case {"prefix": {"addr": str(first), "len": int(length)}}:
            return (ipaddress.ip_network(f"{first}/{length}"),)
        case {"range": [str(first), str(last)]}:
            return _range(ipaddress.ip_address(first), ipaddress.ip_address(last))
    raise ValueError(elem)


def _range(first: Json, last: Json) -> Iterable[IpNetwork]:
    made: Iterable[IpNetwork] = ipaddress.summarize_address_range(first, last)
    return made


def _dump(body: Json) -> str:
    return json.dumps(body, sort_keys=True)


def _rule(rule: Json) -> str:
    words = " ".join(map(_statement, rule["expr"]))
    return f'{words} comment "{rule["comment"]}"' if "comment" in rule else words


def _statement(one: Json) -> str:
    """A statement in words; its JSON where the words would not say all of it."""
    ((kind, body),) = one.items()
    known = _STATEMENTS.get(kind)
    keys = set(body) if isinstance(body, dict) else set()
    if known is None or not (known.needs <= keys <= known.needs | known.may) or not isinstance(body, dict | None):
        return _dump(one)
    try:
        return known.write(body)
    except ValueError:
        return _dump(one)


def _match(body: Json) -> str:
    if body["op"] not in _OPERATORS:
        raise ValueError(body)
    left = _left(body["left"])
    return f"{left} {_OPERATORS[body['op']]}{_right(left, body['right'])}"


_OPERATORS = {"==": "", "in": "", "!=": "!= "}


def _left(body: Json) -> str:
    """What is looked at. Raises ValueError where it is none of what our rules look at."""
    match body:
        case {"payload": {"protocol": str(protocol), "field": str(field), **rest}} if not rest:
            return f"{protocol} {field}"
        case {"meta": {"key": "iif" | "oif" as key}}:
            return str(key)
        case {"meta": {"key": "skuid"}}:
            return "meta skuid"
        case {"ct": {"key": str(key), **rest}} if not rest:
            return f"ct {key}"
        case {"fib": {"result": str(result), "flags": [*flags]}}:
            return f"fib {' . '.join(flags)} {result}"
        case {"&": [left, str(mask)]}:
            return f"{_left(left)} & {mask}"
    raise ValueError(body)


def _right(left: str, body: Json) -> str:
    """What it is compared with. Raises ValueError likewise."""
    if left in ("iif", "oif"):
        return f'"{body}"'
    if left.startswith("fib ") and body is False:
        return "missing"
    if left in _ADDRESSES and not (isinstance(body, str) and body.startswith("@")):
        members = body["set"] if isinstance(body, dict) and "set" in body else [body]
        return one_of(addresses(network for member in members for network in _networks(member)))
    match body:
        case {"set": [*members]} if all(isinstance(member, str | int) for member in members):
            return one_of(map(str, members))
        case str() | int():
            return str(body)
    raise ValueError(body)


_ADDRESSES = frozenset(f"{ip} {end}" for ip in ("ip", "ip6") for end in ("saddr", "daddr"))


def _limit(body: Json) -> str:
    return f"limit rate {_over(body)}{body['rate']}/{body['per']} burst {body['burst']} packets"


def _over(body: Json) -> str:
    return "over " if body.get("inv") else ""


def _add(body: Json) -> str:
    inner = " ".join(map(_statement, body["stmt"]))
    return f"{body['op']} {body['set']} {{ {_left(body['elem'])} {inner} }}"


@dataclass(frozen=True, slots=True)
class _Statement:
    """The keys of a statement that its words tell all of, and how it is written."""

    write: Callable[[Json], str]
    needs: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()


def _keys(*names: str) -> frozenset[str]:
    return frozenset(names)


_STATEMENTS: dict[str, _Statement] = {
    "match": _Statement(_match, _keys("op", "left", "right")),
    "counter": _Statement(lambda _: "counter", may=_keys("packets", "bytes")),
    "accept": _Statement(lambda _: "accept"),
    "drop": _Statement(lambda _: "drop"),
    "goto": _Statement(lambda body: f"goto {body['target']}", _keys("target")),
    "jump": _Statement(lambda body: f"jump {body['target']}", _keys("target")),
    "reject": _Statement(lambda body: f"reject with {body['type']} {body['expr']}", _keys("type", "expr")),
    "limit": _Statement(_limit, _keys("rate", "burst", "per"), _keys("inv")),
    "ct count": _Statement(lambda body: f"ct count {_over(body)}{body['val']}", _keys("val"), _keys("inv")),
    "log": _Statement(lambda body: f'log prefix "{body["prefix"]}" level {body["level"]}', _keys("prefix", "level")),
    "set": _Statement(_add, _keys("op", "elem", "set", "stmt")),
}
