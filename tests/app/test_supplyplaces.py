from __future__ import annotations

import pytest
import trustme

from revproxy.app.supplyplaces import check_feed, check_place
from revproxy.errors import UseError
from revproxy.updates.feeds import Source


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("https://bob:hunter2@feed.example", "no password"),
        ("https://bob@feed.example", "no name"),
        ("ftp://bob:hunter2@feed.example", "only https"),
        ("http://feed.example", "only https"),
        ("https://[", "is no address"),
        ("https://:1/", "no host"),
        ("https://localhost:99999", "its port is none"),
        ("https://localhost:0", "its port is none"),
        ("https://localhost:x", "its port is none"),
        ("https://localhost/a b", "percent-encode"),
        ("https://localhost/\u00e4", "percent-encode"),
        ("https://host/?x=1#y", "below a feed's address, so it has no '\\?'"),
        ("https://host/#y", "so it has no '#'"),
        ("file:///srv/feed?x", "so it has no '\\?'"),
    ],
)
def test_addresses_that_are_none(place, why):
    with pytest.raises(UseError, match=why) as caught:
        check_feed(Source(place, "ours"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "place",
    ["/srv/feed", "/srv/a b?#", "file:///srv/a%20b", "https://feed.example:8443/revproxy", "https://[::1]/%C3%A4"],
)
def test_addresses(place):
    check_feed(Source(place, "ours"))


def test_a_release_may_have_a_query():
    check_place("https://x.example/crs.tar.gz?raw=1")


@pytest.mark.parametrize(("text", "why"), [("hello", "there is no certificate"), (None, "No such file")])
def test_authorities_that_are_none(tmp_path, text, why):
    file = tmp_path / "ca.pem"
    if text:
        file.write_text(text)
    with pytest.raises(UseError, match=f"^feed: {file}: no file of authorities: {why}"):
        check_feed(Source("https://localhost:1", "ours", str(file)))


def test_authorities(tmp_path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    check_feed(Source("https://localhost:1", "ours", str(tmp_path / "ca.pem")))
