"""Which exclusions apply: every reading of a path has to lead below that of the exclusion."""

from __future__ import annotations

import pytest

from revproxy.detection.rules import Exclusion
from revproxy.proxy.http.exclusions import Exclusions, Placed

ONE, TWO, THREE = (Exclusion(frozenset({name})) for name in ("one", "two", "three"))
ALL = Exclusions(
    [
        Placed(ONE),
        Placed(TWO, path="/search"),
        Placed(THREE, hosts=("shop.example", "*.shop.example"), path="/caf%C3%A9"),
    ]
)


@pytest.mark.parametrize(
    ("host", "target", "found"),
    [
        (b"a", b"/", (ONE,)),
        (b"a", b"/search", (ONE, TWO)),
        (b"a", b"/search?q=/../x", (ONE, TWO)),
        (b"a", b"/search/a%20b", (ONE, TWO)),
        (b"a", b"/search/a/../b", (ONE, TWO)),
        (b"a", b"/searches", (ONE,)),
        (b"a", b"/x?/search", (ONE,)),
        (b"shop.example:8443", b"/caf%C3%A9/menu", (ONE, THREE)),
        (b"m.shop.example.", b"/caf%C3%A9", (ONE, THREE)),
        (b"eshop.example", b"/caf%C3%A9", (ONE,)),
        (b"shop.example", b"/caf", (ONE,)),
    ],
)
def test_hosts_and_paths(host: bytes, target: bytes, found: tuple[Exclusion, ...]) -> None:
    assert ALL.of(host, target) == found


@pytest.mark.parametrize(
    "path",
    [
        b"/search/../admin",
        b"/search/..;/admin",
        b"/search/%2e%2e/admin",
        b"/search/%252e%252e/admin",
        b"/search/..%2fadmin",
        b"/search%2f..%2fadmin",
        b"/search/..%5cadmin",
        b"/search/%2e%2e/admin/%252e%252e/search",
        b"/admin/../search",
        b"/admin/%2e%2e/search",
        b"//search",
        b"/%73earch",
        b"/search;x=/",
    ],
)
def test_a_path_that_may_lead_elsewhere_leaves_nothing_out(path: bytes) -> None:
    assert ALL.of(b"a", path) == (ONE,)


def test_those_that_apply_everywhere_cost_nothing() -> None:
    everywhere = Exclusions([Placed(ONE), Placed(TWO, hosts=("a", "*"))])
    assert everywhere.of(b"a", b"/") is everywhere.of(b"b", b"/x/../y") == (ONE, TWO)
    assert Exclusions().of(b"a", b"/") == ()
