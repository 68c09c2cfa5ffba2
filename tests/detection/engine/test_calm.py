from builders import simple
from hypothesis import given, settings
from hypothesis import strategies as st

from revproxy.detection.engine.calm import CALM_FROM, Scanner
from revproxy.detection.link import link

RULESET = link(
    [simple("a", "a[b<]c"), simple("b", "^x.*y$"), simple("c", "<"), simple("d", "HELLO", chain=["lowercase"])]
)
GROUP = RULESET.groups[0]
SCANNER = Scanner(len(GROUP.triggers) + len(GROUP.items))
SCANS = SCANNER.load(GROUP.databases, RULESET)
PLAIN = SCANS._replace(calm=None)
pieces = st.sampled_from([b"abc", b"a<c", b"x", b"y", b"\0", b" ", b"hello"])


@settings(deadline=None)
@given(st.lists(pieces, max_size=8).map(b"".join), st.booleans())
def test_gives_the_same_answer_as_the_whole_database(text, long):
    data = b"z" * (CALM_FROM if long else 0) + b"\0" + text
    rough = 1 << (len(GROUP.triggers) + len(GROUP.items))
    assert SCANNER.look(SCANS, data) & ~rough == SCANNER.look(PLAIN, data)


def test_calm_text_is_answered_by_the_calm_database():
    asked = []
    scans = SCANS._replace(joined=lambda data, on_match: asked.append(data))
    assert SCANNER.look(scans, b"z" * CALM_FROM + b"abc")
    assert not asked
    SCANNER.look(scans, b"z" * CALM_FROM + b"abc<")
    assert asked
