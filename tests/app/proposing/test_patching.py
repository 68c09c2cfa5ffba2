"""The patch: what `patch` makes of it is the configuration with the exclusions, and nothing else changed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from revproxy.app.proposing import Demands, Denial, Denials, tune
from revproxy.app.proposing.patching import Tuned, diff, duration, item_of
from revproxy.config import Exclusion, load
from revproxy.errors import ConfigError

from .conftest import HOUR, Make

SIGNATURE = """
  - id: {name}
    name: an attack
    why: a test needs one
    references: [CWE-20]
    protocols: [{protocol}]
    fields: [{field}]
    match: {{any: [{{contains: attack}}]}}
    severity: critical
    samples: {{match: [{{{sample}}}], pass: [{{{other}}}]}}
"""
TEXT = """\
# The shop's front end.
listeners:
  - {name: web, kind: http, bind: "127.0.0.1:0"}
upstreams: {app: "127.0.0.1:1", mx: "127.0.0.1:2"}
include: more.yaml
routes:
  - name: shop       # all of it
    upstream: app

  # the blog
  - {name: blog, path: /blog, upstream: app}
inspection: {signatures: [signatures.yaml]}
admin: off           # none
"""
MORE = "mail:\n  domains:\n    A.example: mx\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rules = (("one", "http", "args", "args: {q: attack}"), ("two", "http", "args", "args: {q: attack}"))
    mail = ("mail", "smtp", "subject", "subject: attack")
    text = "signatures:" + "".join(
        SIGNATURE.format(
            name=name, protocol=protocol, field=field, sample=sample, other=sample.replace("attack", "tea")
        )
        for name, protocol, field, sample in (*rules, mail)
    )
    (tmp_path / "signatures.yaml").write_text(text)
    (tmp_path / "more.yaml").write_text(MORE)
    (tmp_path / "revproxy.yaml").write_text(TEXT)
    return tmp_path / "revproxy.yaml"


def tuned(config: Path, denials: list[Denial], ids: Sequence[str] = ()) -> Tuned:
    return tune(config, Denials(denials), Demands(5, 3, HOUR), ids)


def apply(config: Path, text: str) -> None:
    if shutil.which("patch") is None:
        pytest.skip("needs patch")
    subprocess.run(["patch", "-p0"], cwd=config.parent, input=text, text=True, check=True, capture_output=True)


def test_a_patch_on_several_files(config: Path, denials: Make) -> None:
    some = [
        *denials(5),
        *denials(6, route="blog", target="/blog/find?q=attack"),
        *denials(7, protocol="smtp", route="a.example", rule="mail", field="subject", key="", target=""),
    ]
    found = tuned(config, some)
    assert len(found.chosen) == len(found.proposals) == 3
    apply(config, "# what stands before it is passed over\n" + found.patch)
    settings = load(config).settings
    shop, blog = settings.routes
    (mail,) = settings.mail.domains
    assert shop.exclusions == (
        Exclusion(("one",), (), ("args:q",), (), "/search", "tuned: 5 requests, 5 clients, 4 hours"),
    )
    assert [(one.rules, one.fields, one.path) for one in blog.exclusions] == [(("one",), ("args:q",), "/blog/find")]
    assert [(one.rules, one.fields, one.path) for one in mail.exclusions] == [(("mail",), ("subject",), "/")]
    text = config.read_text()
    assert [line for line in text.splitlines() if line in TEXT.splitlines()] == [
        line for line in TEXT.splitlines() if "name: blog" not in line
    ]
    again = tuned(config, some)
    assert (again.proposals, again.patch) == ((), "")
    assert again.left == {"the configuration leaves it out already": 18}


def test_what_is_marked_is_in_the_patch_only_when_it_is_named(config: Path, denials: Make) -> None:
    some = [*denials(5), *denials(500, key="cmd", client="203.0.113.66")]
    found = tuned(config, some)
    firm, marked = found.proposals
    assert (firm.selector, marked.selector) == ("args:q", "args:cmd")
    assert found.chosen == {firm.id}
    assert "args:cmd" not in found.patch
    named = tuned(config, some, [marked.id])
    assert named.chosen == {marked.id}
    assert "args:q" not in named.patch
    assert "args:cmd" in named.patch
    with pytest.raises(ConfigError, match="there is no proposal 00000000"):
        tuned(config, some, ["00000000"])


def test_nothing_to_patch(config: Path, denials: Make) -> None:
    found = tuned(config, denials(5, client="203.0.113.66"))
    assert (len(found.proposals), found.patch) == (1, "")
    assert tuned(config, []).proposals == ()


def test_a_field_that_the_rule_does_not_look_at(config: Path, denials: Make) -> None:
    found = tuned(config, denials(5, field="cookies"))
    assert found.proposals == ()
    (why,) = found.refused
    assert why.endswith("none of these rules looks at `cookies`")


def test_an_anchor_that_stands_for_two_places(config: Path, denials: Make) -> None:
    (config.parent / "more.yaml").write_text("mail: {domains: {a.example: &a {upstream: mx}, b.example: *a}}\n")
    some = denials(7, protocol="smtp", route="b.example", rule="mail", field="subject", key="", target="")
    with pytest.raises(ConfigError, match="no patch can be made of this file") as caught:
        tuned(config, some)
    assert "by hand" in caught.value.hint


def test_files_without_a_line_end(config: Path, denials: Make) -> None:
    config.write_bytes(TEXT.removesuffix("admin: off           # none\n").removesuffix("\n").encode())
    (config.parent / "more.yaml").write_text(MORE.removesuffix("\n"))
    some = denials(7, protocol="smtp", route="a.example", rule="mail", field="subject", key="", target="")
    apply(config, tuned(config, some).patch)
    assert len(load(config).settings.mail.domains[0].exclusions) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7_200, "2 hours"),
        (172_800, "2 days"),
        (9e5, "10 days"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_items_are_quoted_where_they_have_to_be() -> None:
    one = Exclusion(("942100", "a: b", "942000-942999"), (), ('args:/^a"[0-9]+$/',), (), "/a,b", "x")
    assert item_of(one) == (
        '{rules: [942100, "a: b", 942000-942999], fields: ["args:/^a\\"[0-9]+$/"], path: "/a,b", reason: "x"}'
    )


def test_a_whole_rule(config: Path, denials: Make) -> None:
    some = denials(5, field="tx", key="0")
    (one,) = tuned(config, some).proposals
    apply(config, tuned(config, some, [one.id]).patch)
    (made,) = load(config).settings.routes[0].exclusions
    assert (made.rules, made.fields, made.path) == (("one",), (), "/search")


def test_a_diff_names_the_file_as_patch_wants_it(tmp_path: Path) -> None:
    config = tmp_path / "revproxy.yaml"
    assert diff(f"{tmp_path}/conf.d/a.yaml", config, "a\n", "b") == (
        "--- conf.d/a.yaml\n+++ conf.d/a.yaml\n@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n"
    )
