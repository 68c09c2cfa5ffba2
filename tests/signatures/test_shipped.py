"""The shipped signatures: every sample through the real engine, and what holds for all of them."""

import pytest

from revproxy.detection.engine import Engine
from revproxy.detection.link import link
from revproxy.detection.sigyaml import always_runs, load_all, lower, transaction
from revproxy.inspection.sources import read_signature_files, shipped_signatures
from revproxy.model import Phase, Protocol

SIGNATURES = load_all(read_signature_files([shipped_signatures()]))
SAMPLES = [
    pytest.param(s, sample, wanted, id=f"{s.id}:{sample.where.line}")
    for s in SIGNATURES
    for wanted, samples in ((True, s.matching), (False, s.passing))
    for sample in samples
]


@pytest.fixture(scope="module")
def engine(compiled):
    return Engine(link([lower(s) for s in SIGNATURES], compiled), 1024 * 1024)


@pytest.mark.parametrize(("signature", "sample", "wanted"), SAMPLES)
def test_sample(engine, signature, sample, wanted):
    tx = transaction(sample)
    engine.inspect(tx, Phase.HEAD, Phase.REPLY_BODY)
    assert any(f.rule == signature.id for f in tx.findings) is wanted


def test_there_are_enough_for_both_protocols():
    assert len(SIGNATURES) >= 100
    assert sum(Protocol.SMTP in s.protocols for s in SIGNATURES) >= 25


def test_each_has_two_samples_of_both_kinds():
    few = [s.id for s in SIGNATURES if len(s.matching) < 2 or len(s.passing) < 2]
    assert few == []


def test_none_runs_on_every_transaction():
    assert [s.id for s in SIGNATURES if always_runs(lower(s))] == []


def test_every_pattern_stands_in_a_hyperscan_database(engine):
    """A pattern that does not is noted."""
    assert engine.ruleset.notes == ()


def test_few_distinct_chains():
    """Every distinct chain of one class costs a scan of values that it changes."""
    chains = {c.transformations for s in SIGNATURES for c in lower(s).conditions}
    assert len(chains) <= 12


def test_no_pass_sample_of_a_signature_is_refused_outright(engine):
    """A sample that one signature must let pass may be another's hit, but rarely is."""
    refused = []
    for signature in SIGNATURES:
        for sample in signature.passing:
            tx = transaction(sample)
            engine.inspect(tx, Phase.HEAD, Phase.REPLY_BODY)
            if max(tx.scores.inbound, tx.scores.outbound) >= 5:
                refused.append((signature.id, str(sample.where), [f.rule for f in tx.findings]))
    assert len(refused) <= 12, refused


def test_no_two_are_the_same_by_what_they_match(engine):
    """On all samples together, each signature matches another set of them."""
    matched = {s.id: set() for s in SIGNATURES}
    for number, sample in enumerate(sample for s in SIGNATURES for sample in (*s.matching, *s.passing)):
        tx = transaction(sample)
        engine.inspect(tx, Phase.HEAD, Phase.REPLY_BODY)
        for finding in tx.findings:
            matched[finding.rule].add(number)
    together = {}
    for name, at in matched.items():
        together.setdefault(frozenset(at), []).append(name)
    same = [names for names in together.values() if len(names) > 1]
    assert same == []


def test_each_says_why_and_refers_to_something():
    assert [s.id for s in SIGNATURES if len(s.why.split()) < 5 or not s.references] == []


def test_a_known_hole_has_a_file_of_its_own_that_names_it():
    patches = [s for s in SIGNATURES if "cve" in s.tags]
    assert len(patches) >= 50
    for one in patches:
        assert one.origin.file.endswith(f"cve/{one.id}.yaml")
        assert one.references[0].lower() == one.id
