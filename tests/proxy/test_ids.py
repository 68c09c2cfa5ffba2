"""Transaction ids."""

from __future__ import annotations

import itertools
import re

from revproxy.proxy.ids import transaction_ids

_ID = re.compile(r"[0-9a-f]{12,24}")


def test_ids_are_short_unique_and_plain() -> None:
    first, second = transaction_ids(), transaction_ids()
    ids = [source() for source in (first, second) for _ in range(1000)]
    assert len(set(ids)) == 2000
    assert all(_ID.fullmatch(one) for one in ids)


def test_a_source_counts_on() -> None:
    source = transaction_ids()
    ids = [source() for _ in range(300)]
    assert all(a < b for a, b in itertools.pairwise(ids))
