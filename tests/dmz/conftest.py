"""The configuration of the golden files, and nft in a network namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from revproxy.config import Loaded, load
from revproxy.dmz import Flows, declared

DATA = Path(__file__).resolve().parents[1] / "data" / "dmz"
PLACES = os.pathsep.join(("/usr/sbin", "/sbin", os.environ.get("PATH", "")))


@pytest.fixture(scope="session")
def loaded() -> Loaded:
    return load(DATA / "revproxy.yaml")


@pytest.fixture(scope="session")
def flows(loaded: Loaded) -> Flows:
    return declared(loaded)


@pytest.fixture
def listing(tmp_path: Path) -> Callable[..., str]:
    """Loads texts one after the other, each twice, where no other rules are; what `nft -j list ruleset` says then."""
    if os.geteuid() != 0 or shutil.which("nft", path=PLACES) is None:
        pytest.skip("needs nft, root")

    def load_all(*texts: str) -> str:
        lines = ["set -e"]
        for i, text in enumerate(texts):
            file = tmp_path / f"{i}.nft"
            file.write_text(text)
            lines += [f"nft -c -f {file}", f"nft -f {file}", f"nft -f {file}"]
        command = ["unshare", "--net", "sh", "-c", "\n".join((*lines, "nft -j list ruleset"))]
        environment = {**os.environ, "PATH": PLACES}
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return load_all
