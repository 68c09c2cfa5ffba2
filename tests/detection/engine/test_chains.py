from builders import simple

from revproxy.detection.engine.chains import ChainTable
from revproxy.detection.engine.contents import Telling
from revproxy.detection.link import link

ALL = -1


def table(*chains, pattern="x"):
    rules = [simple(f"r{i}", pattern, chain=c.split()) for i, c in enumerate(chains)]
    group = link(rules).groups[0]
    bits = {name: 1 << i for i, name in enumerate(group.triggers)}
    return ChainTable(group), bits, len(group.triggers)


def met(chains, data):
    return Telling(chains.met_by, b"").of(data).met


def test_nothing_triggered_means_everything_is_done():
    chains, _, shift = table("urlDecode", "htmlEntityDecode jsDecode", "")
    accept, leads = chains.move(chains.root(ALL), 0)
    assert accept >> shift == 0b111
    assert not leads


def test_a_triggered_transformation_leads_on():
    chains, bits, shift = table("urlDecode jsDecode", "htmlEntityDecode", "")
    root = chains.root(ALL)
    accept, leads = chains.move(root, bits["urlDecode"])
    assert (accept >> shift, leads) == (0b110, True)
    ((_, function, child),) = chains.onward(root, bits["urlDecode"], 0)
    assert function([b"%41"]) == [b"A"]
    assert chains.move(child, bits["jsDecode"]).accept == 0
    ((_, function, last),) = chains.onward(child, bits["jsDecode"], 0)
    assert function([b"\\x41"]) == [b"A"]
    assert chains.move(last, 0).accept >> shift == 0b001


def test_only_wanted_items_begin():
    chains, bits, shift = table("urlDecode", "htmlEntityDecode")
    root = chains.root(0b10)
    assert chains.move(root, bits["urlDecode"]) == (0b10 << shift, False)
    assert chains.onward(root, bits["urlDecode"], 0) == ()


def test_what_may_change_anything_is_always_carried_out():
    chains, _, shift = table("length")
    root = chains.root(ALL)
    assert chains.move(root, 0) == (0, True)
    ((_, _, child),) = chains.onward(root, 0, -1)
    assert chains.move(child, 0).accept >> shift == 1


def test_what_needs_a_byte_that_is_not_there_goes_no_further():
    chains, bits, _ = table("htmlEntityDecode removeWhitespace", "", pattern="<b")
    root = chains.root(ALL)
    space = bits["removeWhitespace"]
    assert met(chains, b"plain text./") == 0
    assert chains.onward(root, space, 0) == ()
    for there in (met(chains, b"a <"), met(chains, b"&"), -1):
        # Once the entities are decoded, `&` is of no more use.
        assert bool(chains.onward(root, space, there)) == (there != met(chains, b"&"))
        assert chains.onward(root, space | bits["htmlEntityDecode"], there)


def test_the_table_is_bounded(monkeypatch):
    monkeypatch.setattr("revproxy.detection.engine.chains.ENTRIES", 2)
    chains, bits, _ = table("urlDecode jsDecode cssDecode", "htmlEntityDecode")
    root = chains.root(ALL)
    for seen in range(sum(bits.values())):
        chains.move(root, seen)
        chains.onward(root, seen, seen)
    assert len(chains._moves) <= 2
    assert len(chains._onward) <= 2
