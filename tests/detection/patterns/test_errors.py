from __future__ import annotations

import pickle

from revproxy.detection.patterns.errors import PatternError


def test_a_pattern_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(PatternError("no", 3)))
    assert (error.message, error.offset) == ("no", 3)
