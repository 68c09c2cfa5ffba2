"""docker/sbom.py over a small file system made up here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent.parent / "docker/sbom.py"
STATUS = "Package: {}\nVersion: {}\nDepends: libc6 (>= 2.36)\nDescription: a library\n more of it\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    status = tmp_path / "var/lib/dpkg/status.d"
    status.mkdir(parents=True)
    (status / "zlib1g").write_text(STATUS.format("zlib1g", "1:1.2.13.dfsg-1"))
    (status / "libstdc++6").write_text(STATUS.format("libstdc++6", "12.2.0-14"))
    packages = tmp_path / "opt/revproxy/lib/python3.11/site-packages"
    for name, licence in {
        "One": "License-Expression: MIT",
        "two": "License: BSD\n       with a long text",
        "three": "Classifier: Topic :: Internet\nClassifier: License :: OSI Approved :: Apache Software License",
        "four": "Summary: of no licence",
    }.items():
        folder = packages / f"{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        text = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{licence}\n\nA description\nLicense: not this\n"
        (folder / "METADATA").write_text(text)
    return tmp_path


def run(root: Path, *options: str) -> str:
    command = [sys.executable, str(SCRIPT), str(root), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_list_has_every_package_once_in_order(root: Path) -> None:
    rows = [line.split("\t") for line in run(root, "--list").splitlines()]
    assert [row[1] for row in rows] == ["libstdc++6", "zlib1g", "four", "one", "three", "two"]
    assert {row[1]: row[3] for row in rows if row[0] == "python"} == {
        "one": "MIT", "two": "BSD", "three": "Apache Software License", "four": "unknown"
    }  # fmt: skip


def test_the_document_names_each_by_its_url(root: Path) -> None:
    document = json.loads(run(root))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    urls = [one["purl"] for one in document["components"]]
    assert "pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1" in urls
    assert "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14" in urls
    assert "pkg:pypi/one@1.0" in urls
    assert len(set(urls)) == 6
    assert all(one["licenses"][0]["license"]["name"] for one in document["components"])


def test_the_same_image_has_the_same_document(root: Path) -> None:
    assert run(root) == run(root)
