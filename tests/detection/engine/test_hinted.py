from functools import partial

from builders import simple

from revproxy.detection.engine.hinted import FEW, SHARE, Hints
from revproxy.detection.engine.places import MOST
from revproxy.detection.engine.shared import Shared
from revproxy.detection.link import link

RULESET = link([simple("zebra", "zebra", chain=["removeWhitespace"]), simple("quagga", "quagga", chain=["cmdLine"])])
(GROUP,) = RULESET.groups
HINTS = Hints(GROUP.hints, partial(Shared(RULESET).scan, beside=False))
ZEBRA, QUAGGA = 0, 1


def holding(items, values, forms=None):
    return HINTS.holding(items, b"\0".join(values if forms is None else forms), values)


def test_which_items_have_a_hint_and_where():
    values = [b"ze bra", b"plain", b"QUA^GGA", b"z", b"e", b"zebra"]
    assert holding([ZEBRA, QUAGGA], values) == ({ZEBRA, QUAGGA}, [b"ze bra", b"QUA^GGA", b"zebra"])
    assert holding([ZEBRA], values) == ({ZEBRA}, [b"ze bra", b"zebra"])
    assert holding([QUAGGA], [b"zebra"]) == (frozenset(), [])


def test_values_are_found_by_their_forms():
    assert holding([ZEBRA], [b"1", b"22", b"333"], [b"", b"zebra", b""]) == ({ZEBRA}, [b"22"])


def test_very_many_hints_are_in_every_value():
    values = [b"zebra" * MOST, b"plain"]
    assert holding([ZEBRA, QUAGGA], values) == ({ZEBRA}, values)
    assert holding([ZEBRA], [b"plain", b"zebra"]) == ({ZEBRA}, [b"zebra"])


def test_many_hints_for_so_many_values_are_in_every_value():
    few = [b"zebra " * (FEW - 1), b"plain"]
    assert holding([ZEBRA, QUAGGA], few) == ({ZEBRA}, few[:1])
    many = [b"zebra " * FEW, b"plain"]
    assert holding([ZEBRA, QUAGGA], many) == ({ZEBRA}, many)
    # What is asked after it is looked for all the same.
    assert holding([ZEBRA, QUAGGA], [*many, b"quagga"])[0] == {ZEBRA, QUAGGA}
    among = [b"zebra"] * FEW + [b"plain"] * FEW * SHARE
    assert holding([ZEBRA], among) == ({ZEBRA}, [b"zebra"] * FEW)


def test_a_value_alone_is_taken_as_a_whole():
    assert holding([ZEBRA, QUAGGA], [b"zebra zebra"]) == ({ZEBRA}, [b"zebra zebra"])
    assert holding([ZEBRA, QUAGGA], [b"plain"]) == (frozenset(), [])
