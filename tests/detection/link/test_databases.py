import hyperscan
import pytest

from revproxy.detection.link import databases
from revproxy.detection.link.databases import LONG_BYTES, Expression, Refused, compiles, database, is_slow, key_of


class Store(dict):
    def put(self, key, data):
        self[key] = data


def test_is_kept_and_fetched():
    store = Store()
    key, data = database([Expression(1, b"abc")], store)
    assert store == {key: data}
    assert database([Expression(1, b"abc")], store) == (key, data)


def test_a_broken_entry_is_compiled_again():
    rows = [Expression(1, b"abc")]
    store = Store({key_of(rows): b"garbage"})
    key, data = database(rows, store)
    assert store[key] == data
    hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)


def test_key_depends_on_everything():
    keys = {key_of(e) for e in ([Expression(1, b"a")], [Expression(2, b"a")], [Expression(1, b"b")], [])}
    assert len(keys) == 4


def test_says_which_pattern_is_refused():
    good, bad = Expression(1, b"abc"), Expression(2, b"(?=a)b")
    assert compiles(good)
    assert not compiles(bad)
    with pytest.raises(Refused) as error:
        database([good, bad], None)
    assert error.value.texts == {b"(?=a)b"}


def test_slow_is_what_has_nothing_to_look_for_but_the_whole_of_it():
    store = Store()
    words = "|".join(f"word{number:04}[a-z]*x" for number in range(LONG_BYTES // 16)).encode()
    automaton = b"(?:" + b"|".join(b"[^a-z]{2}%c.{1,9}[b-y]" % (97 + n % 26) for n in range(LONG_BYTES // 20)) + b")$"
    assert not is_slow(words, store)
    assert is_slow(automaton, store)
    assert is_slow(b"(?=a)b", store)
    # The two databases, and what was refused.
    assert len(store) == 3


def test_what_was_refused_is_kept(monkeypatch):
    rows, store = [Expression(1, b"abc"), Expression(2, b"(?=a)b")], Store()
    with pytest.raises(Refused):
        database(rows, store)
    monkeypatch.setattr(databases, "_compile", None)
    with pytest.raises(Refused) as error:
        database(rows, store)
    assert error.value.texts == {b"(?=a)b"}


@pytest.mark.parametrize("said", [b"", b"zz", b"\xff", b"616263ff"])
def test_a_refusal_of_other_patterns_says_nothing(said):
    rows = [Expression(1, b"abc")]
    store = Store({key_of(rows) + "-refused": said})
    assert database(rows, store)[0] == key_of(rows)
