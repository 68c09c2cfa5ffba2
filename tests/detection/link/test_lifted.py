import pytest
from builders import condition, rule

from revproxy.detection.link.lifted import settled
from revproxy.detection.link.phases import phase_of
from revproxy.detection.rules import Chosen, Marker, RemoveRules
from revproxy.errors import RuleError
from revproxy.model import Phase, Protocol

HEAD, BODY = Phase.HEAD, Phase.BODY


def at(name, field="path", phase=HEAD, **more):
    return rule(name, condition(["path"], ("rx", "a")), condition([field], ("rx", "a")), phase=phase, **more)


def done(*listed):
    return settled(listed, lambda one: phase_of(one, Protocol.HTTP))


def removed(made):
    return [low for e in made.conditions[-1].effects if isinstance(e, RemoveRules) for low, _ in e.rules.ids]


@pytest.mark.parametrize(
    "listed",
    [
        [at("1", skip=2), at("2"), at("3", phase=BODY), at("4")],
        [
            at("1", skip_after="end"),
            at("2"),
            at("3", phase=BODY),
            at("4", phase=BODY),
            Marker("end"),
            at("5", "args.post"),
        ],
        [at("1", "args.post", skip=1), at("2", "args.post")],
        [at("1", "args.post"), at("2", phase=BODY, skip=1), at("3", phase=BODY)],
        [at("1", skip=2)],
    ],
)
def test_jumps_that_pass_over_the_right_rules_stay(listed):
    assert done(*listed) == listed


@pytest.mark.parametrize(
    ("listed", "gone"),
    [
        ([at("1", skip=2), at("2"), at("3", "args.post"), at("4")], [2, 3]),
        (
            [
                at("1", skip_after="end"),
                at("2", "args.post", phase=BODY),
                at("3", "args.post"),
                Marker("end"),
                at("4"),
            ],
            [3],
        ),
        ([at("1", "args.post", skip=2), at("2"), at("3", phase=BODY), at("4", "args.post")], [4]),
        ([at("1", "args.post", skip=1), at("2")], None),
        ([at("1", "args.post", skip_after="end"), at("2", phase=BODY), Marker("end")], []),
        ([at("1", phase=BODY, skip_after="end"), at("2", "args.post"), at("3", phase=BODY), Marker("end")], [3]),
    ],
)
def test_others_take_out_what_they_were_written_to_pass_over(listed, gone):
    first, *others = done(*listed)
    if gone is None:
        assert [first, *others] == listed
        return
    assert (first.skip, first.skip_after, removed(first)) == (0, "", gone)
    assert others == listed[1:]
    assert first.conditions[0] == listed[0].conditions[0]
    assert all(isinstance(e.rules, Chosen) for e in first.conditions[-1].effects)


def test_a_jump_to_nowhere():
    with pytest.raises(RuleError, match="no marker"):
        done(at("1", skip_after="end"))
