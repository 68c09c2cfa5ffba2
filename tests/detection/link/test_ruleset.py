from builders import simple

from revproxy.detection.link import link


def test_databases_are_those_of_the_groups():
    ruleset = link([simple("a", "x", "args", "path")])
    keys = {k for g in ruleset.groups for k in (g.databases.joined, g.databases.calm) if k}
    assert set(ruleset.databases()) == keys


def test_groups_share_what_is_the_same():
    rules = [simple(f"r{n}", "x", chain=["urlDecode"]) for n in range(8)]
    few = [simple("few", "y", "args", "path", chain=["urlDecode", "base64Decode"])]
    path, text = link(
        [*few, *rules, simple("p", "z", "path"), *(simple(f"q{n}", f"{n}", "path") for n in range(4))]
    ).groups
    assert path.small[0][1].joined == text.small[0][1].joined
    assert path.small[0][1].numbers == text.small[0][1].numbers


def test_what_few_ask_for_has_small_databases():
    rules = [simple(f"r{n}", "x", chain=["urlDecode"]) for n in range(8)]
    group = link([*rules, simple("few", "y", chain=["urlDecode", "base64Decode"])]).groups[0]
    assert [name for name, _ in group.small] == ["base64Decode"]
