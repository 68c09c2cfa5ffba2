import pytest
from builders import simple
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.link.foldcourse import Landings, course_of
from revproxy.detection.rules import Marker, Scope
from revproxy.errors import RuleError
from revproxy.model import Phase

HEAD, BODY, REPLY_HEAD, REPLY_BODY, LOG = Phase


def at(name, phase, **more):
    return simple(name, "x", phase=phase, **more)


LISTED = [
    at("0", BODY, skip_after="END"),
    at("1", HEAD, skip_after="END"),
    at("2", LOG),
    at("3", HEAD),
    at("4", BODY),
    Marker("END"),
    at("5", HEAD, skip=1),
    at("6", HEAD),
]


def test_order_and_targets():
    course = course_of(LISTED, lambda rule: rule.phase)
    assert course.order == (1, 3, 5, 6, 0, 4, 2)
    assert [course.place[at] for at in course.order] == list(range(7)) == list(range(course.end))
    assert course.bounds == {HEAD: (0, 4), BODY: (4, 6), REPLY_HEAD: (6, 6), REPLY_BODY: (6, 6), LOG: (6, 7)}
    assert course.targets == {0: 2, 2: 4, 4: 6}
    with pytest.raises(RuleError):
        course_of([at("1", HEAD, skip_after="END")], lambda rule: rule.phase)


@pytest.mark.parametrize(
    ("scope", "phase", "place", "to"),
    [
        (Scope.PHASE, HEAD, 0, 4),
        (Scope.PHASE, LOG, 6, 7),
        (Scope.REQUEST, HEAD, 0, 6),
        (Scope.REQUEST, LOG, 6, 7),
        (Scope.TRANSACTION, HEAD, 0, 6),
        (Scope.TRANSACTION, BODY, 4, 6),
        (Scope.TRANSACTION, LOG, 6, 7),
    ],
)
def test_passed_over(scope, phase, place, to):
    assert course_of(LISTED, lambda rule: rule.phase).passed_over(place, scope, phase) == to


def test_landings():
    landings = Landings()
    assert landings.next is None
    for source, target in ((1, 5), (2, 9), (0, 5), (3, 4)):
        landings.open(source, target)
    assert landings.next == 4
    assert landings.arrive(3) is None
    assert (landings.arrive(4), landings.next) == (3, 5)
    assert (landings.arrive(5), landings.arrive(5), landings.arrive(9)) == (0, None, 2)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5))))
def test_the_longest_way_counts(ways):
    landings = Landings()
    for place in range(16):
        sources = [source for source, length in ways if source + length == place]
        assert landings.arrive(place) == min(sources, default=None)
        for source, length in ways:
            if source == place:
                landings.open(source, source + length)
