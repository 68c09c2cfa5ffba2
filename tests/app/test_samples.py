from __future__ import annotations

from revproxy.app.rules import linked
from revproxy.app.samples import run_samples
from revproxy.detection.sigyaml import load_all, lower

TEXT = """
signatures:
  - id: one
    name: an attack
    why: a test needs one
    references: [CWE-20]
    protocols: [http]
    fields: [args]
    match: {any: [{rx: 'attack-[0-9]'}]}
    severity: critical
    samples:
      match: [{args: {q: "attack-1"}}, {args: {q: "attack-x"}}]
      pass: [{args: {q: "harmless"}}, {args: {q: "attack-2"}}]
"""


def test_every_sample_runs(tmp_path):
    found = load_all([("a.yaml", TEXT)])
    ran = list(run_samples(found, linked([lower(one) for one in found], str(tmp_path))))
    assert [(one.expected, one.matches, one.passed) for one in ran] == [
        (True, True, True),
        (True, False, False),
        (False, False, True),
        (False, True, False),
    ]
