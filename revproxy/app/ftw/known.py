"""The list of tests that are expected to fail: a YAML file with an id and a reason for each.

failures:
  - {test: 920280-1, why: the gate wants a Host}
"""

from __future__ import annotations

from pathlib import Path

from yaml.nodes import SequenceNode

from revproxy.app.ftw.nodes import YamlFile, text
from revproxy.errors import ConfigError, Location, ManyErrors


def known_failures(path: Path) -> dict[str, str]:
    """Ids and reasons. Raises ConfigError, ManyErrors."""
    try:
        file = YamlFile(str(path), path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the list cannot be read: {error}", Location(str(path))) from None
    known: dict[str, str] = {}
    root = file.root
    listed = file.read(root, {"failures": lambda node: node}).get("failures") if root is not None else None
    if isinstance(listed, SequenceNode):
        for node in listed.value:
            found = file.read(node, {"test": text, "why": text})
            name, why = found.get("test", ""), found.get("why", "").strip()
            if not name or not why:
                file.wrong(node, "an entry has a `test` and a `why`")
            elif name in known:
                file.wrong(node, f"{name} stands twice")
            known[name] = why
    elif listed is not None:
        file.wrong(listed, "a list is expected")
    if file.errors:
        raise ManyErrors(file.errors)
    return known
