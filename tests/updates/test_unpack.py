"""Archives as an attacker would make them: refused, and nothing written anywhere else."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile

import pytest

from revproxy.errors import SupplyError
from revproxy.model import SupplyLimits
from revproxy.updates.unpack import cleared, unpack

SMALL = SupplyLimits(files=5, file_bytes=1000, unpacked_bytes=2000)


def entry(name, data=b"", kind=tarfile.REGTYPE, **more):
    made = tarfile.TarInfo(name)
    made.size, made.type = len(data), kind
    for key, value in more.items():
        setattr(made, key, value)
    return made, data


def archive(*entries, form=tarfile.PAX_FORMAT, behind=b""):
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=form) as tar:
        for made, data in entries:
            tar.addfile(made, io.BytesIO(data))
    return gzip.compress(plain.getvalue() + behind)


def opened(data, folder, limits=SMALL, **more):
    return unpack(io.BytesIO(data), folder / "into", limits, **more)


def test_plain_files(tmp_path):
    found = opened(
        archive(entry("./a.yaml", b"one"), entry("d", kind=tarfile.DIRTYPE), entry("d/e/b.data", b"")),
        tmp_path,
        choose=lambda name: name.removeprefix("./"),
    )
    assert found == {
        "a.yaml": (3, hashlib.sha256(b"one").hexdigest()),
        "d/e/b.data": (0, hashlib.sha256(b"").hexdigest()),
    }
    assert (tmp_path / "into/a.yaml").read_bytes() == b"one"
    assert (tmp_path / "into/a.yaml").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "into/d/e/b.data").exists()


HOSTILE = {
    "path escape": ([entry("../out", b"x")], "no name for a file"),
    "path escape further in": ([entry("a/../../out", b"x")], "no name for a file"),
    "absolute path": ([entry("/etc/cron.d/x", b"x")], "no name for a file"),
    "hidden": ([entry(".profile", b"x")], "no name for a file"),
    "empty part": ([entry("a//b", b"x")], "no name for a file"),
    "control bytes": ([entry("a\x1b[2J", b"x")], "no name for a file"),
    "no ASCII": ([entry("a\u202eb", b"x")], "no name for a file"),
    "backslash": ([entry("a\\b", b"x")], "no name for a file"),
    "long name": ([entry("a" * 101, b"x")], "no name for a file"),
    "deep": ([entry("a/" * 6 + "b", b"x")], "no name for a file"),
    "symbolic link": ([entry("a", kind=tarfile.SYMTYPE, linkname="/etc")], "is a symbolic link"),
    "through a link": (
        [entry("a", kind=tarfile.SYMTYPE, linkname=".."), entry("a/b", b"x")],
        "is a symbolic link",
    ),
    "hard link": ([entry("a", kind=tarfile.LNKTYPE, linkname="/etc/passwd")], "is a hard link"),
    "character device": ([entry("a", kind=tarfile.CHRTYPE, devmajor=1, devminor=5)], "is a device"),
    "block device": ([entry("a", kind=tarfile.BLKTYPE)], "is a device"),
    "FIFO": ([entry("a", kind=tarfile.FIFOTYPE)], "is a FIFO"),
    "sparse": ([entry("a", b"0" * 512, kind=tarfile.GNUTYPE_SPARSE)], "sound tar|sparse"),
    "sparse in PAX": (
        [entry("a", b"1\n0\n9\n", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})],
        "sound tar|no plain file",
    ),
    "contiguous": ([entry("a", b"x", kind=b"Z")], "is no plain file"),
    "twice": ([entry("a", b"x"), entry("a", b"y")], "stands twice"),
    "twice but for case": ([entry("a/b", b"x"), entry("A/b", b"y")], "stands twice"),
    "file as folder": ([entry("a", b"x"), entry("a/b", b"y")], "cannot be written"),
    "too many": ([entry(f"f{i}") for i in range(6)], "more than 5 entries"),
    "too many folders": ([entry("d", kind=tarfile.DIRTYPE) for _ in range(6)], "more than 5 entries"),
    "large file": ([entry("a", b"x" * 1001)], "larger than 1000 bytes"),
    "large together": ([entry(name, b"x" * 700) for name in "abc"], "more than 2000 bytes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile(tmp_path, name):
    entries, why = HOSTILE[name]
    with pytest.raises(SupplyError, match=why) as caught:
        opened(archive(*entries), tmp_path)
    assert caught.value.step == "unpack"
    assert os.listdir(tmp_path) == ["into"]
    assert not [path for path in (tmp_path / "into").rglob("*") if path.is_symlink()]
    cleared(tmp_path / "into")
    assert os.listdir(tmp_path) == []


def test_a_size_that_is_a_lie(tmp_path):
    """What a header says is not what it decompresses to."""
    liar = entry("a", b"x", pax_headers={"size": "10000000000000"})
    for limits in (SMALL, SupplyLimits(file_bytes=2**60, unpacked_bytes=2**60)):
        with pytest.raises(SupplyError, match=r"larger than 1000|sound tar"):
            opened(archive(liar), tmp_path, limits)
        cleared(tmp_path / "into")


def test_a_negative_size(tmp_path):
    with pytest.raises(SupplyError):
        opened(archive(entry("a", b"x", pax_headers={"size": "-1"})), tmp_path)


BOMBS = {
    "behind the end": archive(entry("a"), behind=b"\0" * 10_000_000),
    "in an entry that is not wanted": archive(entry("skipped", b"\0" * 10_000_000)),
    "in a long name": archive(entry("n" * 10_000_000), form=tarfile.GNU_FORMAT),
    "in a PAX header": archive(entry("a", pax_headers={"comment": "n" * 10_000_000})),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(tmp_path, name):
    assert len(BOMBS[name]) < 60_000
    with pytest.raises(SupplyError, match="decompresses to more than 22480 bytes"):
        opened(BOMBS[name], tmp_path, choose=lambda found: None if found == "skipped" else found)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        gzip.compress(b"nonsense"),
        gzip.compress(b""),
        archive(entry("a", b"x"))[:-9],
        archive(entry("a", b"x")) + b"x",
        archive(entry("a", b"x")) + gzip.compress(b"x"),
    ],
)
def test_what_is_no_archive(tmp_path, data):
    with pytest.raises(SupplyError) as caught:
        opened(data, tmp_path)
    assert caught.value.step == "unpack"


def test_what_is_not_wanted_is_not_written_but_still_judged(tmp_path):
    skip = {"choose": lambda name: name if name == "a" else None}
    assert list(opened(archive(entry(".git/x", b"y"), entry("a", b"x")), tmp_path, **skip)) == ["a"]
    cleared(tmp_path / "into")
    with pytest.raises(SupplyError, match="symbolic link"):
        opened(archive(entry("b", kind=tarfile.SYMTYPE, linkname="a")), tmp_path, **skip)


def test_a_folder_that_was_there_is_not_written_into(tmp_path):
    (tmp_path / "into").mkdir()
    with pytest.raises(FileExistsError):
        opened(archive(entry("a", b"x")), tmp_path)


def test_clearing_follows_no_link(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    (tmp_path / "gone/below").mkdir(parents=True)
    (tmp_path / "gone/below/link").symlink_to(tmp_path / "kept")
    (tmp_path / "gone/below/file").touch()
    cleared(tmp_path / "gone")
    cleared(tmp_path / "gone")
    assert os.listdir(tmp_path) == ["kept"]
    assert (tmp_path / "kept/file").exists()
