"""Stages in process: a request through the same gate, fields and rules as a live one, its answer from a pretended
server (`backend`). Nothing is enforced, so that every phase runs, whatever was found before it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from revproxy.app.build import inspection_of
from revproxy.app.ftw.backend import answer, raw_answer
from revproxy.app.ftw.model import Input, Observed
from revproxy.app.linking import linked_rules
from revproxy.audit import encode_error
from revproxy.config import Settings
from revproxy.detection.link import RuleSet, Told, unheard
from revproxy.inspection import Policy
from revproxy.inspection.sources import SUFFIXES
from revproxy.model import Action
from revproxy.proxy.http import inspect_request

_FRAMING = (b"content-length:", b"transfer-encoding:")


def linked_of(paths: Sequence[str], before: str, settings: Settings, told: Told = unheard) -> RuleSet:
    """The rules of files and folders, linked: SecLang with `before` ahead of it, and signatures of ours.

    Raises LocatedError, ManyErrors.
    """
    ours = tuple(path for path in paths if not _is_seclang(Path(path)))
    rules = tuple(path for path in paths if path not in ours)
    with TemporaryDirectory() as folder:
        ahead = Path(folder, "overrides.conf")
        ahead.write_text(before)
        wanted = replace(settings.inspection, signatures=ours, rules=(str(ahead), *rules) if rules else ())
        # Under a name that will not come again.
        return linked_rules(replace(settings, inspection=wanted), told=told, keep=not rules).rules


def _is_seclang(path: Path) -> bool:
    """Whether these are no signatures of ours: a file of another kind, a folder with a rule set in it."""
    if path.is_dir():
        return (path / "rules").is_dir() or any(path.glob("*.conf"))
    return path.suffix not in SUFFIXES


class InProcess:
    """One set of rules, ready for requests. Use it in a `with` block."""

    def __init__(self, rules: RuleSet, settings: Settings) -> None:
        thresholds = settings.inspection
        self._inspection = inspection_of(rules, settings)
        self._policy = Policy(thresholds.inbound_threshold, thresholds.outbound_threshold, enforces=False)
        self._limits = settings.limits
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.close()

    def observe(self, raw: bytes, given: Input) -> Observed:
        """What becomes of a request (`run.Runner`)."""
        return self.run(raw)

    def run(self, raw: bytes) -> Observed:
        """What becomes of a request."""
        raw = framed(raw)
        answered = answer(raw)
        failures = self._inspection.failures
        outcome = self._runner.run(
            inspect_request(raw, self._inspection, self._policy, self._limits, raw_answer(answered))
        )
        if self._inspection.failures != failures:
            return Observed(error=outcome.verdict.reason)
        rules = tuple(finding.rule for finding in outcome.findings)
        lines = tuple(encode_error(one, id="offline", ts=0.0, verdict=outcome.verdict) for one in outcome.findings)
        if outcome.verdict.action is Action.REJECT:
            return Observed(rules, lines, outcome.status or 0, refused=True)
        return Observed(rules, lines, answered.status, answer=answered)


def framed(raw: bytes) -> bytes:
    """A request without what follows its head where the head does not say that anything does: on a wire that would be
    the next request."""
    head, blank, body = raw.partition(b"\r\n\r\n")
    said = any(line.lower().startswith(_FRAMING) for line in head.split(b"\r\n"))
    return raw if said or not body else head + blank


def in_process(paths: Sequence[str], before: str, settings: Settings, told: Told = unheard) -> InProcess:
    """Rules from files, ready. Raises LocatedError, ManyErrors. `told` hears how far compiling is."""
    return InProcess(linked_of(paths, before, settings, told), settings)
