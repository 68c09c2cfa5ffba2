"""Running the samples of signatures through the engine that inspects traffic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from revproxy.detection.engine import Engine
from revproxy.detection.link import RuleSet
from revproxy.detection.sigyaml import Sample, Signature, transaction
from revproxy.model import Phase

MEMORY = 1024 * 1024
"""Bytes of memory that the engine gets for scans."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One sample: whether its signature should match it, and does."""

    signature: Signature
    sample: Sample
    expected: bool
    matches: bool

    @property
    def passed(self) -> bool:
        """Whether it did as it should."""
        return self.matches is self.expected


def samples_of(signature: Signature) -> list[tuple[Sample, bool]]:
    """A signature's samples, and whether it should match each."""
    return [*((s, True) for s in signature.matching), *((s, False) for s in signature.passing)]


def run_samples(signatures: Iterable[Signature], rules: RuleSet) -> Iterator[Ran]:
    """Each sample of each signature; `rules` are the signatures linked."""
    engine = Engine(rules, MEMORY)
    for signature in signatures:
        for sample, expected in samples_of(signature):
            yield Ran(signature, sample, expected, _matches(engine, signature.id, sample))


def _matches(engine: Engine, rule: str, sample: Sample) -> bool:
    """Whether the rule is among the findings; that others match as well is no fault of the sample."""
    tx = transaction(sample)
    engine.inspect(tx, Phase.HEAD, Phase.REPLY_BODY)
    return any(finding.rule == rule for finding in tx.findings)
