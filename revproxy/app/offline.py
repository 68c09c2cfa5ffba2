"""`revproxy inspect`: requests and messages from files through the same fields, rules and verdicts as live ones."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from revproxy.app.build import inspection_of
from revproxy.app.excluded import Excluded
from revproxy.app.explaining import Explainer
from revproxy.app.lines import STDIN, lines_of
from revproxy.app.linking import linked_rules
from revproxy.config import Blame, Settings, nowhere
from revproxy.detection.engine.watching import Watch
from revproxy.detection.link import Told, unheard
from revproxy.detection.rules import Exclusion
from revproxy.errors import ConfigError, Location
from revproxy.inspection import Inspection, Policy
from revproxy.model import Action, Protocol
from revproxy.proxy.http import Exclusions, Router, inspect_request
from revproxy.proxy.outcome import Outcome

LINE_BYTES = 512 * 1024 * 1024
"""Longest line of recorded traffic."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something to inspect. `envelope` is for mail: client, helo, from and rcpt, all optional."""

    name: str
    raw: bytes
    envelope: dict[str, Any] = field(default_factory=dict)


def read_files(paths: Iterable[Path]) -> Iterator[Item]:
    """A file each, bytes as on the wire; `-` is standard input. Raises ConfigError."""
    for path in paths:
        try:
            yield Item(str(path), sys.stdin.buffer.read() if path == STDIN else path.read_bytes())
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", Location(str(path))) from None


def read_jsonl(path: Path) -> Iterator[Item]:
    """A line each: {"id", "raw_b64", "envelope"}; `.gz` too. Raises ConfigError with the line's number."""
    for where, line in lines_of(path, LINE_BYTES):
        if line is None:
            raise ConfigError(f"longer than {LINE_BYTES} bytes", where)
        yield _item(line, where)


def _item(line: bytes, where: Location) -> Item:
    try:
        record = json.loads(line)
        raw = base64.b64decode(record["raw_b64"], validate=True)
        return Item(str(record["id"]), raw, _envelope(record.get("envelope", {})))
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise ConfigError(f"not a record with id and raw_b64: {error}", where) from None


def _envelope(told: object) -> dict[str, Any]:
    """Raises TypeError for what is none."""
    if not isinstance(told, dict) or not all(
        isinstance(told.get(name, ""), str) for name in ("client", "helo", "from")
    ):
        raise TypeError("an envelope has client, helo and from, all text, and rcpt")
    recipients = told.get("rcpt", [])
    if not isinstance(recipients, list) or not all(isinstance(one, str) for one in recipients):
        raise TypeError("an envelope's rcpt is a list of text")
    return told


def inspect(
    kind: str,
    items: Iterable[Item],
    settings: Settings,
    enforces: bool = True,
    blame: Blame = nowhere,
    told: Told = unheard,
) -> Iterator[dict[str, Any]]:
    """A result for each item, in order; `kind` is `http` or `mail`. Raises LocatedError before the first one."""
    linked = linked_rules(settings, blame, told)
    offline = Offline(kind, inspection_of(linked.rules, settings), settings, linked.excluded, enforces)
    for item, outcome in offline.outcomes(items):
        yield result(item.name, outcome)


def explain(
    kind: str,
    items: Iterable[Item],
    settings: Settings,
    enforces: bool = True,
    blame: Blame = nowhere,
    told: Told = unheard,
) -> Iterator[tuple[dict[str, Any], str]]:
    """For each item its result as `inspect` gives it, and the same for a person: which rules matched, on what.

    The text has values of requests in it, secrets too. Raises LocatedError before the first one.
    """
    linked = linked_rules(settings, blame, told)
    watch = Watch()
    offline = Offline(kind, inspection_of(linked.rules, settings, watch), settings, linked.excluded, enforces)
    explainer = Explainer(linked.rules, Protocol.HTTP if kind == "http" else Protocol.SMTP, offline.policy)
    for item, outcome in offline.outcomes(items):
        yield result(item.name, outcome), explainer.text(item.name, outcome, watch.take())


class Offline:
    """Inspects items one after the other, with what their routes and domains leave out."""

    def __init__(
        self, kind: str, inspection: Inspection, settings: Settings, excluded: Excluded, enforces: bool
    ) -> None:
        thresholds = settings.inspection
        self.policy = Policy(thresholds.inbound_threshold, thresholds.outbound_threshold, enforces=enforces)
        self._http = kind == "http"
        self._inspection, self._limits, self._excluded = inspection, settings.limits, excluded
        self._routes = Router([(route, Exclusions(excluded.routes.get(route.name, ()))) for route in settings.routes])
        self._elsewhere = Exclusions(excluded.elsewhere)

    def outcomes(self, items: Iterable[Item]) -> Iterator[tuple[Item, Outcome]]:
        """What becomes of each."""
        with asyncio.Runner() as runner:
            for item in items:
                yield item, runner.run(self._outcome(item))

    async def _outcome(self, item: Item) -> Outcome:
        if self._http:
            return await inspect_request(
                item.raw, self._inspection, self.policy, self._limits, excluding=self._excluding
            )
        # Imported here: who looks at requests has no need of all that mail needs.
        from revproxy.proxy.smtp import inspect_message

        domains = self._excluded.domains
        return await inspect_message(item.raw, item.envelope, self._inspection, self.policy, self._limits, domains)

    def _excluding(self, host: bytes, target: bytes) -> tuple[Exclusion, ...]:
        return (self._routes.find(host, target) or self._elsewhere).of(host, target)


def result(name: str, outcome: Outcome) -> dict[str, Any]:
    """An outcome as `inspect` prints it; DROP is a denial to whoever asks."""
    action = outcome.verdict.action
    return {
        "id": name,
        "verdict": Action.DENY.value if action is Action.DROP else action.value,
        "status": outcome.status,
        "score": outcome.score,
        "rules": [finding.rule for finding in outcome.findings],
        "micros": outcome.micros,
    }
