from builders import simple

from revproxy.detection.link import link


def test_databases_are_those_of_the_groups():
    ruleset = link([simple("a", "x", "args", "path")])
    keys = {k for g in ruleset.groups for k in (g.joined, g.exact, g.calm)}
    assert set(ruleset.databases()) == keys
