"""Which route takes a request, and that an ambiguous path is nobody's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.config import Mode, Profile, Route
from revproxy.config.settings import Address, Upstream
from revproxy.detection.rules import Exclusion
from revproxy.model import Limits, Timeouts
from revproxy.net import DirectDialer, Pool
from revproxy.proxy.http import Router, policy_of, way_of
from revproxy.proxy.http.exclusions import Placed
from revproxy.proxy.http.paths import normalised
from revproxy.proxy.http.routes import RouteWay

UPSTREAM = Upstream("web", Address("127.0.0.1", 1))
POOL = Pool(UPSTREAM, DirectDialer([UPSTREAM]), Timeouts())


def router(*routes: Route) -> Router[RouteWay]:
    return Router([(one, way_of(one, POOL, Limits(), b"http://127.0.0.1:1", b"127.0.0.1:1", 5, 4)) for one in routes])


def route(name: str, path: str = "/", *hosts: str, **more: Any) -> Route:
    return Route(name, "web", hosts=hosts or ("*",), path=path, **more)


ROUTES = router(
    route("all"),
    route("admin", "/admin"),
    route("deep", "/admin/deep/"),
    route("own", "/", "own.example"),
    route("own-api", "/api", "own.example", "*.wild.example"),
    route("wild", "/", "*.wild.example"),
    route("wilder", "/", "*.very.wild.example"),
)
FOUND = [
    (b"a", b"/", "all"),
    (b"a", b"/x", "all"),
    (b"a", b"/admin", "admin"),
    (b"a", b"/admin/", "admin"),
    (b"a", b"/admin?x", "admin"),
    (b"a", b"/admin/x", "admin"),
    (b"a", b"/administrator", "all"),
    (b"a", b"/admin/deep/x", "deep"),
    (b"a", b"/admin/deep", "admin"),
    (b"a", b"/x/../y", "all"),
    (b"a", b"/x;a=b", "all"),
    (b"a", b"/%78", "all"),
    (b"a", b"/admin/%41", "admin"),
    (b"a", b"/x?y=//admin/../%2e", "all"),
    (b"own.example", b"/", "own"),
    (b"own.example:8443", b"/", "own"),
    (b"own.example.", b"/", "own"),
    (b"own.example", b"/api/x", "own-api"),
    (b"own.example", b"/admin", "admin"),
    (b"x.wild.example", b"/", "wild"),
    (b"x.wild.example", b"/api", "own-api"),
    (b"x.very.wild.example", b"/", "wilder"),
    (b"wild.example", b"/", "all"),
    (b"a", b"*", "all"),
]
AMBIGUOUS = [
    b"//admin",
    b"///admin/x",
    b"/./admin",
    b"/x/../admin",
    b"/x/..;/admin",
    b"/x;y/../admin",
    b"/admin/../x",
    b"/admin/..",
    b"/admin;a=b/x",
    b"/admin;a=b",
    b"/%2e/admin",
    b"/x/%2e%2e/admin",
    b"/x/%252e%252e/admin",
    b"/x/..%2fadmin",
    b"/x%2f..%2fadmin",
    b"/%61dmin",
    b"/%41dmin/../admin",
    b"/%2561dmin",
    b"/admi%6e",
    b"/%2fadmin",
    b"\\admin".replace(b"\\", b"/\\"),
    b"/x\\..\\admin",
    b"/x/..%5cadmin",
    b"/admin%00.html",
    b"/admin%2fx",
    b"/admin%3bx",
    b"/admin/%2e%2e/x",
]


@pytest.mark.parametrize(("host", "target", "name"), FOUND)
def test_found(host: bytes, target: bytes, name: str) -> None:
    for _ in range(2):
        way = ROUTES.find(host, target)
        assert way is not None
        assert way.name == name


@pytest.mark.parametrize("target", AMBIGUOUS)
def test_ambiguous(target: bytes) -> None:
    assert ROUTES.find(b"a", target) is None


def test_no_route() -> None:
    only = router(route("one", "/one", "one.example"))
    assert only.find(b"two.example", b"/one") is None
    assert only.find(b"one.example", b"/two") is None
    assert only.find(b"", b"/one") is None


@given(st.binary(max_size=40), st.binary(max_size=60))
def test_every_target_has_one_route_or_none(host: bytes, path: bytes) -> None:
    """Whoever is found is found for the path as written and as the most liberal server reads it."""
    way = ROUTES.find(host, b"/" + path)
    if way is not None:
        assert ROUTES.find(host, normalised((b"/" + path).partition(b"?")[0])) in (way, None)


def test_policies() -> None:
    assert [(policy_of(mode, 5, 4).inspects, policy_of(mode, 5, 4).enforces) for mode in Mode] == [
        (True, True),
        (True, False),
        (False, False),
    ]


def test_what_a_way_takes_from_its_route() -> None:
    timeouts = Timeouts(upstream_response=900.0)
    way = way_of(
        route("a", body_bytes=7, keep_host=False, methods=("GET",), timeouts=timeouts),
        POOL,
        Limits(),
        b"http://x:1",
        b"x:1",
        5,
        4,
    )
    assert (way.body_bytes, way.host, way.methods, way.timeouts) == (7, b"x:1", {b"GET"}, timeouts)
    usual = way_of(route("a"), POOL, Limits(), b"http://x:1", b"x:1", 5, 4)
    assert (usual.body_bytes, usual.host, usual.timeouts) == (Limits().http.body_bytes, b"", Limits().timeouts)
    assert usual.exclusions is None
    placed = Placed(Exclusion(frozenset("1")))
    way = way_of(route("a"), POOL, Limits(), b"http://x:1", b"x:1", 5, 4, [placed])
    assert way.exclusions is not None
    assert way.exclusions.of(b"a", b"/") == (placed.exclusion,)


@pytest.mark.parametrize(
    ("profile", "mode", "inbound", "enforces"),
    [
        (Profile.BALANCED, Mode.ENFORCE, 5, True),
        (Profile.STRICT, Mode.ENFORCE, 3, True),
        (Profile.STRICT, Mode.DETECT, 3, False),
        (Profile.WATCH, Mode.ENFORCE, 5, False),
    ],
)
def test_a_profile_says_how_much_it_takes(profile: Profile, mode: Mode, inbound: int, enforces: bool) -> None:
    policy = policy_of(mode, 5, 4, profile)
    assert (policy.inbound_threshold, policy.outbound_threshold) == (inbound, min(inbound, 4))
    assert (policy.inspects, policy.enforces) == (True, enforces)
