from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.engine.memory import ENTRY_BYTES, FEW, Known, Memory, Recall


def test_what_never_repeats_does_not_push_out_what_does():
    memory = Memory(100 * (ENTRY_BYTES + 10))
    agent = Known(1, 0)
    memory.put(b"agent", agent)
    for number in range(10_000):
        memory.put(b"%08d" % number, Known(1, 0))
        assert memory.get(b"agent") is agent
    assert memory.get(b"00000000") is None


@given(st.lists(st.binary(max_size=300)), st.integers(0, 20_000))
def test_stays_within_its_bytes(values, most):
    memory = Memory(most)
    for value in values:
        memory.put(value, Known(1, 1))
    held = sum(len(v) + ENTRY_BYTES for half in (memory.young, memory._old) for v in half)
    assert held <= most


def test_large_values_are_not_kept():
    memory = Memory(16_000)
    memory.put(b"x" * 2_000, Known(1, 1))
    assert memory.get(b"x" * 2_000) is None
    assert len(memory) == 0


def test_recall_confirms_once_and_remembers():
    scanned, tried = [], []

    def scan(values, wanted):
        scanned.append(list(values))
        return wanted if b"bad" in values else 0

    def confirm(value):
        tried.append(value)
        return value == b"bad"

    recall = Recall(scan, [confirm, lambda value: False], 100_000)
    assert recall.items([b"good", b"bad"], [0b11, 0b11], 0b11)[0] == 0b01
    assert scanned == [[b"good", b"bad"]]
    assert recall.items([b"bad", b"good"], [0b11, 0b11], 0b11)[0] == 0b01
    assert recall.items([b"good"], [0b11], 0b11)[0] == 0
    assert tried == [b"good", b"bad"]
    assert len(scanned) == 1


def test_where_much_was_hit_values_are_scanned_singly():
    scanned, tried = [], []

    def scan(values, wanted):
        scanned.append(list(values))
        return wanted if b"bad" in values else 0

    def confirm(value):
        tried.append(value)
        return True

    every = (1 << FEW + 1) - 1
    recall = Recall(scan, [confirm] * (FEW + 1), 100_000)
    for _ in range(2):
        assert recall.items([b"good", b"bad"], [every, every], every)[0] == every
    assert scanned == [[b"good", b"bad"], [b"good"], [b"bad"]]
    assert tried == [b"bad"] * (FEW + 1)


def test_what_is_not_wanted_is_tried_when_it_is():
    tried = []

    def confirm(value):
        tried.append(value)
        return value == b"bad"

    recall = Recall(lambda values, wanted: wanted & 0b01, [confirm], 100_000)
    assert recall.items([b"good", b"bad"], [0b11, 0b11], 0b10)[0] == 0
    assert tried == []
    assert recall.items([b"good", b"bad"], [0b11, 0b11], 0b01)[0] == 0b01
    assert recall.items([b"good", b"bad"], [0b11, 0b11], 0b01)[0] == 0b01
    assert tried == [b"good", b"bad"]


def test_what_does_not_look_at_a_value_is_not_tried():
    tried = []

    def confirm(value):
        tried.append(value)
        return True

    recall = Recall(lambda values, wanted: wanted & 0b11, [confirm, confirm], 100_000)
    assert recall.items([b"one", b"two"], [0b01, 0], 0b11)[0] == 0b01
    assert tried == [b"one"]
    assert recall.items([b"one", b"two"], [0, 0b10], 0b11)[0] == 0b10
    assert tried == [b"one", b"two"]


def test_a_value_in_several_places_is_scanned_for_all_who_look_at_it():
    scanned = []

    def scan(values, wanted):
        scanned.append((list(values), wanted))
        return wanted

    recall = Recall(scan, [lambda value: value == b"both", lambda value: True, lambda value: True], 100_000)
    assert recall.items([b"both", b"both"], [0b001, 0b010], 0b111) == (0b011, 0b011)
    assert recall.items([b"both"], [0b010], 0b111) == (0b010, 0b010)
    assert recall.items([b"both"], [0b001], 0b110) == (0, 0b001)
    assert scanned == [([b"both"], 0b011)]
    # Somebody else looks at it, and then all of them do.
    assert recall.items([b"both"], [0b100], 0b111) == (0b100, 0b100)
    assert recall.items([b"both", b"both"], [0b001, 0b110], 0b111) == (0b111, 0b111)
    assert scanned == [([b"both"], 0b011), ([b"both"], 0b111)]


def test_values_that_others_look_at_are_scanned_without_what_asks_for_certain_keys():
    scanned = []

    def scan(values, wanted):
        scanned.append((list(values), wanted))
        return 0

    recall = Recall(scan, [], 100_000, keyed=0b100)
    assert recall.items([b"a", b"b", b"c"], [0b001, 0b110, 0b010], 0b111) == (0, 0)
    assert scanned == [([b"b"], 0b110), ([b"a", b"c"], 0b011)]
