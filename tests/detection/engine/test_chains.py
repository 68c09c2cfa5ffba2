from builders import simple

from revproxy.detection.engine.chains import ChainTable
from revproxy.detection.link import link


def table(*chains):
    rules = [simple(f"r{i}", "x", chain=c.split()) for i, c in enumerate(chains)]
    group = link(rules).groups[0]
    bits = {name: 1 << i for i, name in enumerate(group.triggers)}
    return ChainTable(group), bits, len(group.triggers)


def test_nothing_triggered_means_everything_is_done():
    chains, _, shift = table("urlDecodeUni", "htmlEntityDecode jsDecode", "")
    move = chains.move(chains.root, 0)
    assert move.accept >> shift == 0b111
    assert move.onward == ()


def test_a_triggered_transformation_leads_on():
    chains, bits, shift = table("urlDecodeUni jsDecode", "htmlEntityDecode", "")
    move = chains.move(chains.root, bits["urlDecodeUni"])
    assert move.accept >> shift == 0b110
    assert [f([b"%41"]) for _, f, _ in move.onward] == [[b"A"]]
    after = chains.move(move.onward[0][2], bits["jsDecode"])
    assert after.accept == 0
    assert [f([b"\\x41"]) for _, f, _ in after.onward] == [[b"A"]]
    assert chains.move(after.onward[0][2], 0).accept >> shift == 0b001


def test_what_may_change_anything_is_always_carried_out():
    chains, _, shift = table("length")
    move = chains.move(chains.root, 0)
    assert move.accept == 0
    assert chains.move(move.onward[0][2], 0).accept >> shift == 1


def test_the_table_is_bounded(monkeypatch):
    monkeypatch.setattr("revproxy.detection.engine.chains.ENTRIES", 2)
    chains, bits, _ = table("urlDecodeUni jsDecode cssDecode", "htmlEntityDecode")
    for seen in range(sum(bits.values())):
        chains.move(chains.root, seen)
    assert len(chains._moves) <= 2
