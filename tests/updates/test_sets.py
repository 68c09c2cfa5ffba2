from __future__ import annotations

import io
import os

import pytest

from revproxy.errors import ConfigError, SupplyError
from revproxy.model import SupplyLimits
from revproxy.updates.manifest import Kind
from revproxy.updates.pack import pack
from revproxy.updates.sets import Sets
from revproxy.updates.unpack import unpack


@pytest.fixture
def sets(tmp_path):
    return Sets(tmp_path)


@pytest.fixture
def taken(sets, tmp_path):
    """`taken(text, number)`: the manifest of a set that was taken."""

    def take(text, number=1, change=lambda files: files):
        data = pack({"a/b.yaml": text.encode()}, Kind.SIGNATURES, "ours", number, str(number))
        files = unpack(io.BytesIO(data), tmp_path / "incoming", SupplyLimits())
        return sets.take(tmp_path / "incoming", change(files))

    return take


def test_in_force_and_back(sets, taken):
    assert (sets.current, sets.previous) == ("", "")
    one, two = taken("one").content, taken("two", 2).content
    sets.enforce(one)
    assert (sets.current, sets.previous) == (one, "")
    sets.enforce(two)
    sets.enforce(two)
    assert (sets.current, sets.previous) == (two, one)
    assert sets.manifest(two).number == 2
    assert (sets.check(two) / "a/b.yaml").read_text() == "two"
    sets.restore(one, "")
    assert (sets.current, sets.previous) == (one, "")
    sets.restore("", "")
    assert (sets.current, sets.previous) == ("", "")


def test_only_two_are_kept(sets, taken, tmp_path):
    made = [taken(str(i), i).content for i in range(1, 4)]
    for one in made:
        sets.enforce(one)
    sets.tidy()
    assert sorted(os.listdir(tmp_path / "sets")) == sorted(made[1:])


def test_the_same_files_under_another_number(sets, taken):
    assert taken("one").content == taken("one", 2).content
    assert sets.manifest(taken("one", 2).content).number == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda files: files | {"stray": (1, "")}, "'stray' has no place"),
        (lambda files: files | {"files/c": (1, "")}, "not those that the manifest"),
        (lambda files: {"manifest.json": files["manifest.json"]}, "not those that the manifest"),
    ],
)
def test_what_is_not_what_its_manifest_says(sets, taken, change, why):
    with pytest.raises(SupplyError, match=why):
        taken("one", change=change)
    assert sets.current == ""


def test_a_set_without_a_manifest(sets, tmp_path):
    (tmp_path / "incoming").mkdir()
    with pytest.raises(SupplyError, match=r"no manifest\.json"):
        sets.take(tmp_path / "incoming", {})


def test_what_was_changed_on_disk_is_not_used(sets, taken):
    content = taken("one").content
    file = sets.files(content) / "a/b.yaml"
    file.write_text("two")
    with pytest.raises(ConfigError, match="changed on disk"):
        sets.check(content)
    file.chmod(0o666)
    with pytest.raises(ConfigError, match="other users may write it"):
        sets.check(content)
    file.unlink()
    file.symlink_to("/etc/hostname")
    with pytest.raises(ConfigError, match="is a link"):
        sets.check(content)


def test_what_was_damaged_is_replaced_by_what_is_fetched_anew(sets, taken, tmp_path):
    with pytest.raises(ConfigError, match="no set in force"):
        sets.whole()
    assert not sets.usable
    content = taken("one").content
    sets.enforce(content)
    sets.whole()
    assert sets.usable
    (sets.files(content) / "a/b.yaml").write_text("two")
    with pytest.raises(ConfigError, match="signatures update"):
        sets.whole()
    assert not sets.usable
    taken("one")
    sets.whole()
    kept = tmp_path / "kept"
    os.rename(tmp_path / "sets" / content, kept)
    with pytest.raises(ConfigError, match="cannot be read"):
        sets.whole()
    (tmp_path / "sets" / content).symlink_to(kept)
    taken("one")
    sets.whole()
    assert (kept / "files/a/b.yaml").exists()
