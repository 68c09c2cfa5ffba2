from builders import simple
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.engine import contents
from revproxy.detection.engine.chains import ChainTable
from revproxy.detection.engine.contents import Telling
from revproxy.detection.link import link

MET_BY = [0] * 256
for _byte, _bits in ((0x3C, 1), (0x26, 3), (0x61, 4), (0xFF, 2)):
    MET_BY[_byte] = _bits
CALM = b"abc \0"


@given(st.binary(max_size=40))
def test_what_is_told(data):
    met = 0
    for byte in data:
        met |= MET_BY[byte]
    for telling, calm_bytes in ((Telling(MET_BY, CALM), CALM), (Telling(MET_BY, b""), b"")):
        found = telling.of(data)
        assert (found.calm, found.met) == (bool(calm_bytes) and not data.translate(None, calm_bytes), met)
        assert telling.of(data * 2) is found


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(contents, "ENTRIES", 2)
    telling = Telling(MET_BY, CALM)
    for data in (b"a", b"<", b"&", b"<&", b"\xff", b"<\xff", b"&\xff"):
        telling.of(data)
    assert max(len(telling._ascii._known), len(telling._every._known)) == 2


def test_what_is_met_of_a_long_buffer_is_met_of_its_bytes():
    chains = ChainTable(link([simple("r", "<", chain=["jsDecode"])]).groups[0])
    telling = Telling(chains.met_by, b"")
    for data in (b"plain ", b"a<b", b'\\"(;<\x80\xff', bytes(range(256))):
        assert telling.of(data * 100).met == telling.of(data).met
    assert telling.of(b"<" * 1000).met != telling.of(b"x" * 1000).met
