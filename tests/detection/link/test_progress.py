from builders import simple

from revproxy.detection.link import link
from revproxy.detection.link.progress import Tally

RULES = [simple("a", "needle"), simple("b", "^hay", "path"), simple("c", "straw", "headers")]


class Store(dict):
    def put(self, key, data):
        self[key] = data


def test_what_is_told_while_databases_are_compiled():
    store, told = Store(), []
    ruleset = link(RULES, store, told=lambda *numbers: told.append(numbers))
    wanted = len(ruleset.databases())
    assert wanted > 1
    assert told == [(there, wanted) for there in range(wanted + 1)]
    told.clear()
    assert link(RULES, store, told=lambda *numbers: told.append(numbers)) == ruleset
    assert told == []


def test_it_begins_when_one_is_missed():
    store, told = Store(), []
    databases = link(RULES, store).databases()
    del store[min(databases, key=lambda key: len(databases[key]))]
    link(RULES, store, told=lambda *numbers: told.append(numbers))
    assert told[0][0] < told[-1][0] == told[-1][1] == len(databases)


def test_a_new_round_counts_anew():
    told = []
    tally = Tally(lambda *numbers: told.append(numbers))
    tally.begin(3)
    tally.one()
    tally.missed()
    tally.begin(2)
    tally.one()
    tally.missed()
    tally.one()
    assert told == [(1, 3), (1, 2), (2, 2)]
