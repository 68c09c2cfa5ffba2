from builders import simple

from revproxy.detection.link import link


def test_databases_are_those_of_the_groups():
    ruleset = link([simple("a", "x", "args", "path")])
    keys = {k for g in ruleset.groups for k in (g.databases.joined, g.databases.exact, g.databases.calm)}
    assert set(ruleset.databases()) == keys


def test_what_few_ask_for_has_small_databases():
    rules = [simple(f"r{n}", "x", chain=["urlDecodeUni"]) for n in range(8)]
    group = link([*rules, simple("few", "y", chain=["urlDecodeUni", "base64Decode"])]).groups[0]
    assert [name for name, _ in group.small] == ["base64Decode"]
