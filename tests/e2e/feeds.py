"""A feed of a test, and a front end that uses it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import yaml
from servers import REVPROXY, Front, configuration

SHIPPED = Path(__file__).parents[2] / "signatures"
ATTACK = """\
signatures:
  - id: e2e-NUMBER
    name: an attack of a test
    why: A test wants to see it refused as soon as it is published.
    references: [CWE-20]
    protocols: [http]
    fields: [args]
    match: {any: [{contains: 'ATTACK'}]}
    severity: critical
    samples:
      match: [{args: {q: "ATTACK"}}]
      pass: [{args: {q: "PASSES"}}]
"""


def revproxy(*words):
    done = subprocess.run([*REVPROXY, *map(str, words)], capture_output=True, text=True, timeout=240, check=False)
    return done.returncode, done.stdout + done.stderr


class Publisher:
    """A feed of the shipped signatures and one more."""

    def __init__(self, folder):
        self.folder, self.root = folder / "feed", folder / "feed/public/metadata/1.root.json"
        self.set = folder / "set"
        shutil.copytree(SHIPPED, self.set)
        assert revproxy("feed", "init", self.folder, "--role", "ours")[0] == 0

    def publish(self, number, passes="harmless", attack=""):
        """A set that also denies `attack`. `--untried`: a trial is the clients', whatever is published."""
        words = {"ATTACK": attack or f"e2e-attack-{number}", "NUMBER": str(number), "PASSES": passes}
        text = ATTACK
        for word, value in words.items():
            text = text.replace(word, value)
        (self.set / "e2e.yaml").write_text(text)
        code, said = revproxy("feed", "publish", self.folder, "ours", self.set, "--version", str(number), "--untried")
        assert code == 0, said


def begun(folder, publisher, web, mail, **changes):
    """A front end that uses the feed; it is added first, with a configuration that is the same."""
    settings = configuration(
        folder,
        web,
        mail,
        workers=2,
        inspection={"signatures": ["feed:ours"]},
        cache=str(folder.parent / "cache"),
        limits={"smtp": {"messages_per_session": 100_000, "commands": 1_000_000}},
        feeds={"folder": str(folder / "feeds"), **changes},
    )
    folder.mkdir()
    (folder / "before.yaml").write_text(yaml.safe_dump(settings))
    words = ("signatures", "add", publisher.folder / "public", "--root", publisher.root, "-c", folder / "before.yaml")
    code, said = revproxy(*words)
    assert code == 0, said
    return Front(folder, settings)


def rulesets(front):
    (generation,) = front.status()["generations"]
    return {worker["status"]["ruleset"] for worker in generation["workers"]}
