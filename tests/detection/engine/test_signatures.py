"""The shipped signatures through the engine and through the oracle: the same findings on every sample."""

from pathlib import Path

import pytest
from naive import naive_inspect

from revproxy.detection.engine import Engine
from revproxy.detection.link import link
from revproxy.detection.sigyaml import load_signatures, lower, transaction
from revproxy.model import Phase

FILES = sorted((Path(__file__).resolve().parents[3] / "signatures").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_same_findings_as_the_oracle(file, compiled):
    signatures = load_signatures(file.read_text(), file.name)
    made = [lower(s) for s in signatures]
    engine = Engine(link(made, compiled), 1 << 20)
    for signature in signatures:
        for sample in (*signature.matching, *signature.passing):
            tx = transaction(sample)
            want = naive_inspect(made, tx, Phase.HEAD, Phase.LOG)
            engine.inspect(tx, Phase.HEAD, Phase.LOG)
            assert [(f.rule, f.phase, f.field, f.key) for f in tx.findings] == want
