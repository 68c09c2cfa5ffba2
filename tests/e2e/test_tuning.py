"""From denied requests over `signatures tune`, `patch` and `reload` to the same requests passing, and no others."""

from __future__ import annotations

import json
import subprocess

import pytest
from servers import REVPROXY, Front, Inside, configuration, curl, until

pytestmark = pytest.mark.e2e

SEARCH = "/search?page=2&q=how%20to%20union%20select%20name%20from%20two%20tables"
ELSEWHERE = {
    "another field": SEARCH.replace("q=", "id="),
    "another path": SEARCH.replace("/search", "/basket"),
    "another attack": "/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
    "a path that only looks like it": SEARCH.replace("/search", "/search/..;/admin"),
}
PROBED = "/run?cmd=%3Bcat%20/etc/passwd"
LEAST = ("--min", "4", "--span", "0s")


@pytest.fixture(scope="module")
def front(need, folder, started):
    need("curl", "patch")
    web = Inside(folder, "web")
    started.append(web)
    settings = configuration(folder / "front", web.ports["web"], 9)
    settings["listeners"] = [{**settings["listeners"][0], "trusted_proxies": ["127.0.0.1"]}]
    del settings["mail"]
    made = Front(folder / "front", settings)
    started.append(made)
    return made


def ask(front, target, client="192.0.2.200"):
    return curl(front.url + target, "-H", f"X-Forwarded-For: {client}", "-H", "User-Agent: Mozilla/5.0")[0]


def tune(front, *options):
    command = [*REVPROXY, "signatures", "tune", "-c", "revproxy.yaml", "audit.log", *LEAST, *options]
    return subprocess.run(command, cwd=front.folder, capture_output=True, text=True, timeout=60, check=True).stdout


def test_what_is_denied_wrongly_passes_after_a_patch(front):
    people = [f"198.51.{n}.7" for n in range(4)]
    assert [ask(front, SEARCH, one) for one in people] == [403] * 4
    assert [ask(front, PROBED, "203.0.113.66") for _ in range(12)] == [403] * 12
    denied = {target: ask(front, target) for target in ELSEWHERE.values()}
    assert set(denied.values()) == {403}
    until(lambda: len({r["id"] for r in front.records("audit.log")}) >= 4 + 12 + len(ELSEWHERE), "audit records")

    told = json.loads(tune(front, "--json"))
    chosen = [one for one in told["proposals"] if one["in_patch"]]
    assert {(one["field"], one["path"], one["clients"]) for one in chosen} == {("args:q", "/search", 4)}
    marked = [one for one in told["proposals"] if one["field"] == "args:cmd"]
    assert marked
    assert all("one client" in one["marks"] and not one["in_patch"] for one in marked)

    before = front.file.read_text()
    patch = tune(front)
    subprocess.run(["patch", "-p0"], cwd=front.folder, input=patch, text=True, check=True, capture_output=True)
    added = set(front.file.read_text().splitlines()) - set(before.splitlines())
    assert len(front.file.read_text().splitlines()) == len(before.splitlines()) + len(added)
    checked = front.tell("check")
    assert checked.returncode == 0, checked.stderr
    assert front.tell("reload").returncode == 0

    assert [ask(front, SEARCH, one) for one in people] == [200] * 4
    assert {target: ask(front, target) for target in ELSEWHERE.values()} == denied
    assert ask(front, PROBED) == 403
    again = json.loads(tune(front, "--json"))
    assert again["patch"] == ""
    assert again["left"]["the configuration leaves it out already"] >= 4
