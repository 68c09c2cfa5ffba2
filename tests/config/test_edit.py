"""Items put into lists of a configuration: where they go in each style, and what stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from revproxy.config import Settings, load
from revproxy.config.edit import place_of_domain, with_items
from revproxy.errors import ConfigError

ITEM = '{rules: [a], fields: ["args:q"]}'
BASE = """\
listeners: [{name: web, kind: http, bind: "127.0.0.1:0"}]   # one
upstreams: {app: "127.0.0.1:1", mx: "127.0.0.1:2"}
"""
ROUTE = ("routes", 0)
OTHER = "{rules: [b]}"

CASES = {
    "block without the key": (
        ROUTE,
        "routes:\n  - path: /a\n    upstream: app   # why\n    # after\n\n# rest\nadmin: off\n",
        "routes:\n  - path: /a\n    upstream: app   # why\n"
        f"    exclusions:\n      - {ITEM}\n    # after\n\n# rest\nadmin: off\n",
    ),
    "block list": (
        ROUTE,
        f"routes:\n- path: /a\n  exclusions:\n  - {OTHER}   # why\n  # after\n  upstream: app\n",
        f"routes:\n- path: /a\n  exclusions:\n  - {OTHER}   # why\n  - {ITEM}\n  # after\n  upstream: app\n",
    ),
    "block list of blocks": (
        ROUTE,
        "routes:\n  - upstream: app\n    exclusions:\n      - rules: [b]\n        fields:\n          - args # all\n"
        "\nadmin: off\n",
        "routes:\n  - upstream: app\n    exclusions:\n      - rules: [b]\n        fields:\n          - args # all\n"
        f"      - {ITEM}\n\nadmin: off\n",
    ),
    "flow list": (
        ROUTE,
        f"routes:\n  - upstream: app\n    exclusions: [\n      {OTHER}, # why\n    ]\n",
        f"routes:\n  - upstream: app\n    exclusions: [\n      {OTHER}, {ITEM}, # why\n    ]\n",
    ),
    "empty flow list": (
        ROUTE,
        "routes: [{upstream: app, exclusions: [], path: /b}]\n",
        f"routes: [{{upstream: app, exclusions: [{ITEM}], path: /b}}]\n",
    ),
    "nothing yet": (
        ROUTE,
        "routes:\n  - exclusions:   # none\n    upstream: app\n",
        f"routes:\n  - exclusions: [{ITEM}]   # none\n    upstream: app\n",
    ),
    "null": (
        ROUTE,
        "routes:\n  - exclusions: ~ # none\n    upstream: app\n",
        f"routes:\n  - exclusions: [{ITEM}] # none\n    upstream: app\n",
    ),
    "flow mapping": (
        ROUTE,
        "routes:\n  - {upstream: app, path: /a} # x\n",
        f"routes:\n  - {{upstream: app, path: /a, exclusions: [{ITEM}]}} # x\n",
    ),
    "no line end at the end": (
        ROUTE,
        "routes:\n  - path: /a\n    upstream: app",
        f"routes:\n  - path: /a\n    upstream: app\n    exclusions:\n      - {ITEM}",
    ),
    "last value is empty": (
        ROUTE,
        "routes:\n  - upstream: app\n    methods:\n# rest\n",
        f"routes:\n  - upstream: app\n    methods:\n    exclusions:\n      - {ITEM}\n# rest\n",
    ),
    "last value is a block of text": (
        ROUTE,
        "routes:\n  - path: /a\n    upstream: |-\n      app\n\nadmin: off\n",
        f"routes:\n  - path: /a\n    upstream: |-\n      app\n\n    exclusions:\n      - {ITEM}\nadmin: off\n",
    ),
    "a domain that is a word": (
        ("mail", "domains", "A.example"),
        "mail:\n  domains:\n    A.example: mx  # x\n",
        f"mail:\n  domains:\n    A.example: {{upstream: mx, exclusions: [{ITEM}]}}  # x\n",
    ),
    "a domain": (
        ("mail", "domains", "A.example"),
        "mail:\n  domains:\n    A.example:\n      upstream: mx\n",
        f"mail:\n  domains:\n    A.example:\n      upstream: mx\n      exclusions:\n        - {ITEM}\n",
    ),
}


def write(folder: Path, text: str, end: str = "\n") -> Path:
    path = folder / "revproxy.yaml"
    path.write_bytes(text.replace("\n", end).encode())
    return path


def rules(settings: Settings) -> list[str]:
    some = [*(one.exclusions for one in settings.routes), *(one.exclusions for one in settings.mail.domains)]
    return [rule for exclusions in some for one in exclusions for rule in one.rules]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", CASES)
def test_where_it_goes(tmp_path: Path, name: str, end: str) -> None:
    place, before, after = CASES[name]
    path = write(tmp_path, BASE + before, end)
    ((file, (was, made)),) = with_items(path, "exclusions", {place: [ITEM]}).items()
    assert (file, was) == (str(path), (BASE + before).replace("\n", end))
    assert made == (BASE + after).replace("\n", end)
    assert rules(load(path, {file: made}).settings) == [*rules(load(path).settings), "a"]
    assert path.read_bytes().decode() == was


def test_several_places_and_files(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("routes:\n  - {path: /b, upstream: app}\n")
    path = write(tmp_path, BASE + "include: more.yaml\nroutes:\n  - path: /a\n    upstream: app\n")
    items = {("routes", 0): [ITEM, OTHER], ("routes", 1): [ITEM]}
    texts = {name: made for name, (_, made) in with_items(path, "exclusions", items).items()}
    assert sorted(texts) == [str(tmp_path / "more.yaml"), str(path)]
    assert [len(one.exclusions) for one in load(path, texts).settings.routes] == [2, 1]


def test_an_anchor_stands_for_several(tmp_path: Path) -> None:
    text = BASE + "routes:\n  - &r {upstream: app}\nmail: {domains: {a.example: &m {upstream: mx}, b.example: *m}}\n"
    path = write(tmp_path, text)
    texts = with_items(path, "exclusions", {("mail", "domains", "b.example"): [ITEM]})
    assert rules(load(path, {str(path): texts[str(path)][1]}).settings) == ["a", "a"]


def test_what_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path, BASE + "mail: {domains: {A.example: mx}}\n")
    assert place_of_domain(path, "a.example") == ("mail", "domains", "A.example")
    with pytest.raises(ConfigError, match=r"no mail domain b\.example"):
        place_of_domain(path, "b.example")
    with pytest.raises(ConfigError, match=r"no routes\.7"):
        with_items(path, "exclusions", {("routes", 7): [ITEM]})
