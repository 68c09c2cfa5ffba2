from __future__ import annotations

import io

import pytest

from revproxy.errors import ConfigError
from revproxy.model import SupplyLimits
from revproxy.updates.manifest import Kind, content_of, read_manifest
from revproxy.updates.pack import kind_of, pack, read_set
from revproxy.updates.unpack import unpack


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}")
    return folder


def test_there_and_back(tmp_path):
    files = read_set(made(tmp_path / "in", "b.yaml", "a/c.yml", "README.md"), Kind.SIGNATURES)
    assert sorted(files) == ["a/c.yml", "b.yaml"]
    data = pack(files, Kind.SIGNATURES, "ours", 2, "1.0")
    assert data == pack(dict(reversed(files.items())), Kind.SIGNATURES, "ours", 2, "1.0")
    found = unpack(io.BytesIO(data), tmp_path / "out", SupplyLimits())
    assert sorted(found) == ["files/a/c.yml", "files/b.yaml", "manifest.json"]
    manifest = read_manifest((tmp_path / "out/manifest.json").read_bytes())
    assert (manifest.name, manifest.number, manifest.content) == ("ours", 2, content_of(files))


def test_a_folder_of_crs(tmp_path):
    names = ("crs-setup.conf.example", "rules/A.conf", "rules/b.data")
    made(tmp_path, *names, "tests/x.yaml", "docs/other.conf", "rules/A.conf.swp")
    assert sorted(read_set(tmp_path, Kind.SECLANG)) == sorted(names)


@pytest.mark.parametrize(
    ("names", "kind"),
    [(("a.yaml",), Kind.SIGNATURES), (("a.conf",), Kind.SECLANG), (("a.conf", "b.data"), Kind.SECLANG)],
)
def test_kinds(tmp_path, names, kind):
    assert kind_of(made(tmp_path, *names)) is kind


@pytest.mark.parametrize(("names", "why"), [(("a.txt",), "no signatures"), (("a.conf", "b.yaml"), "publish each")])
def test_neither_or_both(tmp_path, names, why):
    with pytest.raises(ConfigError, match=why):
        kind_of(made(tmp_path, *names))


def test_links_are_not_published(tmp_path):
    made(tmp_path, "secret.txt")
    (tmp_path / "a.yaml").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(ConfigError, match="a link"):
        read_set(tmp_path, Kind.SIGNATURES)
