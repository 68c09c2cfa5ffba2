import pytest
from builders import simple

from revproxy.detection.link.jumps import jumps_of
from revproxy.detection.rules import Marker
from revproxy.errors import RuleError
from revproxy.model import Phase


def at(name, **more):
    return simple(name, "a", "path", **more)


def test_markers_ids_and_counts():
    rules = [
        at("1", skip_after="END"),
        at("2", skip=1),
        at("3", phase=Phase.HEAD),
        at("4"),
        Marker("end"),
        at("5", skip_after="6"),
        at("6"),
        at("7", skip=9),
        at("8"),
        Marker("end"),
        at("9", skip=1),
    ]
    assert jumps_of(rules) == {0: 4, 1: 4, 4: 6, 6: 9}


def test_the_next_marker_of_that_name_is_meant():
    assert jumps_of([Marker("a"), at("1", skip_after="a"), at("2"), Marker("a"), at("3"), Marker("a")]) == {0: 2}


def test_a_place_before_the_rule_is_an_error():
    with pytest.raises(RuleError, match="no marker `a` comes after it"):
        jumps_of([Marker("a"), at("1", skip_after="a")])
