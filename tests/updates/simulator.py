"""A simulated repository: a real feed on disk, with a clock that is passed in, and what an attacker does to it.

What the attacker holds is said by the keys that he signs with: those of the simulator, or some of his own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile
from tuf.api.serialization.json import JSONSerializer

from revproxy.model import SupplyLimits
from revproxy.net.download import Downloader
from revproxy.updates.keys import Keys
from revproxy.updates.repository import Repository
from revproxy.updates.trust import Client, Offer

Change = Callable[[Any], None]
SIGNATURES = """\
signatures:
  - id: NAME
    name: an attack
    why: a test needs one
    references: [CWE-20]
    protocols: [http]
    fields: [args]
    match: {any: [{rx: 'PATTERN'}]}
    severity: critical
    samples:
      match: [{args: {q: "MATCH"}}]
      pass: [{args: {q: "harmless"}}]
"""


def signature(name: str = "one", pattern: str = "attack-[0-9]", match: str = "attack-1") -> str:
    """A file with one signature."""
    return SIGNATURES.replace("NAME", name).replace("PATTERN", pattern).replace("MATCH", match)


class Simulator:
    """A feed with the roles `ours` and `crs`, published as many days ago as a test says."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.public = folder, folder / "public"
        self.limits = SupplyLimits()
        self.published = 0
        self.at().begin(("ours", "crs"), root_keys=3, root_threshold=2)
        self.root = (self.public / "metadata/1.root.json").read_bytes()

    def at(self, days: float = 0.0, keys: str = "keys") -> Repository:
        """The publisher, so many days ago."""
        now = datetime.now(UTC) - timedelta(days=days)
        return Repository(self.folder, Keys([self.folder / keys]), now)

    def publish(self, text: str = "", role: str = "ours", days: float = 0.0) -> str:
        """A set with this one file; its archive's hash."""
        self.published += 1
        place = self.folder / f"set{self.published}"
        place.mkdir()
        (place / "a.yaml").write_text(text or signature(f"number-{self.published}"))
        return self.at(days).publish(role, place, str(self.published), self.limits)

    def saved(self) -> Path:
        """What clients see now, for later."""
        return Path(shutil.copytree(self.public, self.folder / f"saved{self.published}"))

    def serve(self, saved: Path) -> None:
        """What was saved, and nothing else, from now on."""
        shutil.rmtree(self.public)
        shutil.copytree(saved, self.public)

    def newest(self, role: str) -> Path:
        """The file with the newest metadata of a role."""
        if role == "timestamp":
            return self.public / "metadata/timestamp.json"
        found = (self.public / "metadata").glob(f"[0-9]*.{role}.json")
        return max(found, key=lambda path: int(path.name.partition(".")[0]))

    def keyids(self, role: str) -> list[str]:
        """The ids of a role's keys, as metadata names them."""
        delegator = json.loads(self.newest("targets" if role in ("ours", "crs") else "root").read_bytes())["signed"]
        if role in ("ours", "crs"):
            return next(one["keyids"] for one in delegator["delegations"]["roles"] if one["name"] == role)
        return list(delegator["roles"][role]["keyids"])

    def forge(self, role: str, change: Change, stolen: tuple[str, ...] = (), keyids: tuple[str, ...] = ()) -> bytes:
        """Newest metadata of a role, changed and put there; signed by the stolen keys of these roles, by keys that
        were good once, or by one that never was."""
        made = Metadata.from_bytes(self.newest(role).read_bytes())
        made.signed.version += 1
        change(made.signed)
        held = Keys([self.folder / "keys"]).signers()
        wanted = [*keyids, *(keyid for one in stolen for keyid in self.keyids(one))]
        made.signatures.clear()
        for signer in [held[keyid] for keyid in wanted] or [CryptoSigner.generate_ed25519()]:
            made.sign(signer, append=True)
        data = made.to_bytes(JSONSerializer())
        name = "timestamp.json" if role == "timestamp" else f"{made.signed.version}.{role}.json"
        (self.public / "metadata" / name).write_bytes(data)
        return data

    def list_as(self, role: str, version: int) -> None:
        """With stolen keys of snapshot and timestamp: the role has that version now."""

        def listed(signed: Any) -> None:
            signed.meta[f"{role}.json"] = MetaFile(version)

        def newer(signed: Any) -> None:
            signed.snapshot_meta = MetaFile(signed.snapshot_meta.version + 1)

        self.forge("snapshot", listed, ("snapshot",))
        self.forge("timestamp", newer, ("timestamp",))


class Believer:
    """A client of the simulator, with a memory of its own."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator, self.folder = simulator, folder
        self.known: dict[str, int] = {}

    def look(self, role: str = "ours", downloader: Downloader | None = None, url: str = "") -> Offer:
        """Look, fetch what there is, and remember it."""
        limits = self.simulator.limits
        made = Client(
            self.folder,
            url or str(self.simulator.public),
            self.simulator.root,
            downloader or Downloader(limits),
            limits.archive_bytes,
        )
        found = made.look(role, self.known)
        made.fetch(self.folder / "archive")
        self.known = dict(found.versions)
        return found

    def forget(self) -> None:
        """Lose python-tuf's memory, and keep ours."""
        shutil.rmtree(self.folder)
