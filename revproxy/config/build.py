"""The shape of `revproxy.yaml`, where it differs from the dataclasses because people read it more easily so.

    upstreams: {NAME: {...}}            a mapping, its keys are the names; a plain string is the address
    mail.domains: {DOMAIN: {...}}       likewise; a plain string is the upstream
    routes[].name                       made of host and path when left out
    routes[].timeouts                   change single timeouts of `limits.timeouts`
    logs.access, .audit, .error         a plain string is the target
    inspection.signatures               `shipped` stands for the signatures that come with the program
    inspection.signatures, .rules       `feed:NAME` stands for the set in force of a feed, whatever it is by then
    workers: auto                       one for each processor
    admin: off                          no admin listener

Everything else is read field by field (`reader`). Comparing settings with one another is done in `checks`.
"""

from __future__ import annotations

import dataclasses
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode

from revproxy.config import values
from revproxy.config.reader import BAD, KEY, Place, Reader, is_null
from revproxy.config.schema import RANGES, PathTo
from revproxy.config.settings import (
    LOG_KINDS,
    Control,
    Feeds,
    Inspection,
    Listener,
    Log,
    Logs,
    Mail,
    MailDomain,
    Route,
    Settings,
    Upstream,
    Zones,
)
from revproxy.config.shipped import shipped_signatures
from revproxy.model import Limits, Timeouts

SHIPPED = "shipped"


def build(reader: Reader) -> dict[str, Any]:
    """The fields of Settings that could be read; errors are noted in the reader's tree."""
    found = reader.pairs(reader.tree.root, (), [*_SECTIONS, "include"])
    made = {key: _SECTIONS[key](reader, node, (key,)) for key, node in found.items()}
    for name, least in (("listeners", "a listener"), ("upstreams", "an upstream")):
        if not made.get(name) and not reader.tree.errors:
            reader.tree.error(f"the configuration needs {least}: {name!r} is missing", found.get(name))
    kept = {key: value for key, value in made.items() if value is not BAD}
    if "inspection" not in kept:
        kept["inspection"] = Inspection(signatures=(str(shipped_signatures()),))
    kept["routes"] = _with_timeouts(kept.get("routes", ()), kept.get("limits", Limits()).timeouts)
    return kept


def _listeners(reader: Reader, node: Node, place: Place) -> tuple[Listener, ...]:
    return _kept(reader.make(Listener, item, (*place, i)) for i, item in enumerate(reader.items(node, place)))


def _upstreams(reader: Reader, node: Node, place: Place) -> tuple[Upstream, ...]:
    made = []
    for key, value in reader.pairs(node, place, None).items():
        name = _key(reader, values.name, (*place, key))
        if isinstance(value, ScalarNode) and not is_null(value):
            address = reader.scalar(values.target_address, value)
            made.append(BAD if BAD in (address, name) else Upstream(name, address))
        else:
            made.append(reader.make(Upstream, value, (*place, key), {"name": name}))
    return _kept(made)


def _key(reader: Reader, read: Callable[[str], str], place: Place) -> Any:
    """A key of a mapping that is itself a value (a name, a domain)."""
    node = reader.places[(*place, KEY)]
    return reader.scalar(read, node) if isinstance(node, ScalarNode) else BAD


@dataclasses.dataclass(frozen=True, slots=True)
class _Unfinished:
    """A route whose timeouts wait for `limits.timeouts`, which may stand below it."""

    fields: dict[str, Any]
    timeouts: dict[str, Any]


def _routes(reader: Reader, node: Node, place: Place) -> tuple[_Unfinished, ...]:
    made = []
    for index, item in enumerate(reader.items(node, place)):
        here = (*place, index)
        own, rest = _pop(item, "timeouts")
        timeouts = reader.fields(Timeouts, own, (*here, "timeouts")) if own is not None else {}
        fields = reader.fields(Route, rest, here)
        fields["hosts"] = tuple(fields.get("hosts") or ("*",))
        fields.setdefault("name", fields["hosts"][0] + fields.get("path", "/"))
        if "upstream" in fields:
            made.append(_Unfinished(fields, timeouts))
        elif (*here, "upstream") not in reader.places:
            reader.tree.error(f"routes[{index + 1}] has no 'upstream'", item)
    return tuple(made)


def _pop(node: Node, key: str) -> tuple[Node | None, Node]:
    """An entry of a mapping and the mapping without it. The node itself stays whole: an alias may bring it again."""
    if not isinstance(node, MappingNode):
        return None, node
    taken = [v for k, v in node.value if isinstance(k, ScalarNode) and k.value == key]
    rest = [(k, v) for k, v in node.value if not (isinstance(k, ScalarNode) and k.value == key)]
    found = taken[0] if taken and not is_null(taken[0]) else None
    return found, MappingNode(node.tag, rest, node.start_mark, node.end_mark)


def _with_timeouts(routes: tuple[_Unfinished, ...], common: Timeouts) -> tuple[Route, ...]:
    return tuple(
        Route(**r.fields, timeouts=dataclasses.replace(common, **r.timeouts) if r.timeouts else None) for r in routes
    )


def _mail(reader: Reader, node: Node, place: Place) -> Mail:
    domains, rest = _pop(node, "domains")
    fields = reader.fields(Mail, rest, place)
    if domains is not None:
        fields["domains"] = _domains(reader, domains, (*place, "domains"))
    return Mail(**fields)


def _domains(reader: Reader, node: Node, place: Place) -> tuple[MailDomain, ...]:
    made = []
    for key, value in reader.pairs(node, place, None).items():
        domain = _key(reader, values.host_name, (*place, key))
        if isinstance(value, ScalarNode) and not is_null(value):
            reader.places[(*place, key, "upstream")] = value
            made.append(BAD if domain is BAD else MailDomain(domain, value.value))
        else:
            made.append(reader.make(MailDomain, value, (*place, key), {"domain": domain}))
    return _kept(made)


def _inspection(reader: Reader, node: Node, place: Place) -> Inspection:
    asked, rest = _pop(node, "signatures")
    fields = reader.fields(Inspection, rest, place)
    if asked is None:
        return Inspection(**fields, signatures=(str(shipped_signatures()),))
    found = [_signatures(reader, item) for item in reader.items(asked, (*place, "signatures"))]
    return Inspection(**fields, signatures=_kept(found))


def _signatures(reader: Reader, node: Node) -> Any:
    if not isinstance(node, ScalarNode):
        reader.tree.error("signatures are file or folder names", node)
        return BAD
    if node.value == SHIPPED:
        return str(shipped_signatures())
    return reader.path(PathTo("file or folder", must_exist=True, or_feed=True), node)


def _logs(reader: Reader, node: Node, place: Place) -> Logs:
    rest, found = node, {}
    for kind in LOG_KINDS:
        found[kind], rest = _pop(rest, kind)
    fields = reader.fields(Logs, rest, place)
    for kind, own in found.items():
        if own is not None:
            reader.places[(*place, kind)] = own
            fields[kind] = _log(reader, own, (*place, kind))
    return Logs(**{key: value for key, value in fields.items() if value is not BAD})


def _log(reader: Reader, node: Node, place: Place) -> Any:
    if isinstance(node, ScalarNode):
        to = _log_target(reader, node)
        return BAD if to is BAD else Log(to)
    target, rest = _pop(node, "to")
    fields = reader.fields(Log, rest, place)
    if isinstance(target, ScalarNode):
        reader.places[(*place, "to")] = target
        fields["to"] = _log_target(reader, target)
    return BAD if fields.get("to") is BAD else Log(**fields)


def _log_target(reader: Reader, node: ScalarNode) -> Any:
    word, _, rest = node.value.partition(":")
    match word:
        case "stdout" | "none" if not rest:
            return node.value
        case "syslog" if rest:
            return node.value if rest.startswith("/") else _syslog(reader, node, rest)
        case "file" if rest:
            path = str(Path(reader.tree.folder(node), rest))
            if Path(path).parent.is_dir():
                return f"file:{path}"
            reader.tree.error(f"there is no folder {Path(path).parent} for this log", node)
            return BAD
    hint = "file:PATH, stdout, syslog:HOST:PORT, syslog:/dev/log or none"
    reader.tree.error(f"{node.value!r} is no log target", node, hint)
    return BAD


def _syslog(reader: Reader, node: ScalarNode, rest: str) -> Any:
    address = reader.scalar(lambda _: values.target_address(rest), node)
    return BAD if address is BAD else f"syslog:{address}"


def _control(reader: Reader, node: Node, place: Place) -> Control:
    control = Control(**reader.fields(Control, node, place))
    if control.owner is not None and not _user_exists(control.owner):
        reader.tree.error(f"there is no user {control.owner!r}", reader.places[(*place, "owner")])
    return control


def _user_exists(owner: str) -> bool:
    try:
        if owner.isascii() and owner.isdigit():
            return True
        pwd.getpwnam(owner)
    except KeyError:
        return False
    return True


def _admin(reader: Reader, node: Node, place: Place) -> Any:
    if is_null(node) or (isinstance(node, ScalarNode) and node.value.lower() in ("off", "false", "none")):
        return None
    return _plain(reader, node, place)


def _workers(reader: Reader, node: Node, place: Place) -> Any:
    if isinstance(node, ScalarNode) and node.value == "auto":
        return min(os.cpu_count() or 1, int(RANGES[Settings, "workers"][1]))
    return _plain(reader, node, place)


def _zones(reader: Reader, node: Node, place: Place) -> Any:
    return None if is_null(node) else reader.make(Zones, node, place)


def _feeds(reader: Reader, node: Node, place: Place) -> Feeds:
    return Feeds(**reader.fields(Feeds, node, place))


def _limits(reader: Reader, node: Node, place: Place) -> Limits:
    return Limits(**reader.fields(Limits, node, place))


def _plain(reader: Reader, node: Node, place: Place) -> Any:
    key = str(place[0])
    hint = {f.name: f.type for f in dataclasses.fields(Settings)}[key]
    return reader.value(Settings, key, {"int": int, "float": float, "bool": bool}.get(str(hint), str), node, place)


def _kept(found: Any) -> tuple[Any, ...]:
    return tuple(one for one in found if one is not BAD)


_SECTIONS: dict[str, Callable[[Reader, Node, Place], Any]] = {
    "listeners": _listeners,
    "upstreams": _upstreams,
    "routes": _routes,
    "mail": _mail,
    "inspection": _inspection,
    "feeds": _feeds,
    "limits": _limits,
    "logs": _logs,
    "control": _control,
    "admin": _admin,
    "zones": _zones,
    "workers": _workers,
    "spool": _plain,
    "cache": _plain,
    "drain_seconds": _plain,
    "orphan_seconds": _plain,
    "sandbox": _plain,
    "require_sandbox": _plain,
    "user": _plain,
    "broker_user": _plain,
}
"""Every top-level setting and how it is read."""
