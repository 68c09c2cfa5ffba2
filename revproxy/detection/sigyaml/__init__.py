"""Our own signature language: YAML text -> signatures -> rules.

`load_signatures` reads one text, `load_all` several; `lower` makes the rule of a signature; `transaction` makes
the transaction of a sample. `docs/signatures.md` is the reference of the language.
"""

from revproxy.detection.sigyaml.load import fields_of, load_all, load_signatures
from revproxy.detection.sigyaml.lower import always_runs, lower
from revproxy.detection.sigyaml.samples import transaction
from revproxy.detection.sigyaml.tree import Match, Matcher, Sample, Signature

__all__ = [
    "Match",
    "Matcher",
    "Sample",
    "Signature",
    "always_runs",
    "fields_of",
    "load_all",
    "load_signatures",
    "lower",
    "transaction",
]
