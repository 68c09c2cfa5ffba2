"""Large uploads and downloads: they arrive whole, and the worker's memory hardly grows.

256 MB each; 1 GB with REVPROXY_FULL=1. What counts is the kernel's own peak of the worker's resident memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import attacks
import pytest
from servers import Front, Inside, configuration, curl, forget_peak, memory_bytes

pytestmark = pytest.mark.e2e

MB = 1024 * 1024
FULL = os.environ.get("REVPROXY_FULL") == "1"
SIZE = (1024 if FULL else 256) * MB
MOST_GROWTH = 64 * MB
PIECE = bytes(range(251)) * 4178


@pytest.fixture(scope="module")
def front(need, folder, started):
    need("curl")
    if shutil.disk_usage(folder).free < 4 * SIZE:
        pytest.skip(f"needs {4 * SIZE // MB} MB of disk for the upload and its spool file")
    web = Inside(folder, "web")
    started.append(web)
    routes = [
        {"path": "/", "upstream": "web", "body_bytes": SIZE},
        {"path": "/form", "upstream": "web", "body_bytes": SIZE + MB},
        {"path": "/streamed", "upstream": "web", "body_bytes": SIZE, "stream": True},
    ]
    made = Front(folder / "front", configuration(folder / "front", web.ports["web"], 9, routes=routes))
    started.append(made)
    # What is loaded on first use is no growth.
    assert curl(f"{made.url}/", "-T", "/dev/null")[0] == 200
    assert curl(f"{made.url}/bytes?n={4 * MB}", "-o", "/dev/null")[0] == 200
    return made


@pytest.fixture(scope="module")
def upload(folder):
    """(file, its digest): no two blocks alike, so that none could be left out unseen."""
    path, digest, left, number = folder / "upload", hashlib.sha256(), SIZE, 0
    with path.open("wb") as file:
        while left:
            piece = (b"%016d" % number + PIECE)[: min(left, MB)]
            digest.update(piece)
            file.write(piece)
            left, number = left - len(piece), number + 1
    return path, digest.hexdigest()


class Peak:
    """How much the worker's resident memory has grown at most since this was made."""

    def __init__(self, front):
        (self._pid,) = front.workers()
        forget_peak(self._pid)
        self._before = memory_bytes(self._pid)

    @property
    def grown(self):
        grown = memory_bytes(self._pid, "VmHWM") - self._before
        print(f"the worker grew by {grown / MB:.1f} MB, from {self._before / MB:.1f} MB")
        return grown


@pytest.mark.parametrize(
    ("path", "options"),
    [("/held", []), ("/held", ["-H", "Transfer-Encoding: chunked"]), ("/streamed", [])],
    ids=["held", "held, chunked", "streamed"],
)
def test_upload(front, upload, path, options):
    file, digest = upload
    peak = Peak(front)
    status, body = curl(front.url + path, "-T", str(file), *options, "--max-time", "600")
    assert status == 200, body
    told = json.loads(body)
    assert (told["body_length"], told["body_sha256"]) == (SIZE, digest)
    assert peak.grown < MOST_GROWTH


def test_upload_in_a_form(front, upload):
    """As browsers send files: taken apart on the way, not only looked through."""
    peak = Peak(front)
    parts = ["-F", "title=a film", "-F", f"film=@{upload[0]};filename=film.bin"]
    status, body = curl(f"{front.url}/form", *parts, "--max-time", "600")
    assert status == 200, body
    assert SIZE < json.loads(body)["body_length"] < SIZE + MB
    assert peak.grown < MOST_GROWTH


def test_a_hostile_form_is_refused_however_large_its_file_is(front, upload):
    """The value that gives it away stands after the file, and nothing of the form has gone inside before."""
    peak = Peak(front)
    parts = ["-F", f"film=@{upload[0]};filename=film.bin", "-F", f"title={attacks.SQL}"]
    status, body = curl(f"{front.url}/form", *parts, "--max-time", "600")
    assert status == 403, body
    assert peak.grown < MOST_GROWTH


def test_a_body_over_the_limit_is_refused_before_it_is_read(front, upload):
    """Its length says so: no byte of it is waited for, and none is left in the spool."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Content-Length: {SIZE + 1}"]
    command += ["-X", "PUT", "-T", str(upload[0]), "--max-time", "30", f"{front.url}/held"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "413"
    assert list((front.folder / "spool").iterdir()) == []


def test_download(front):
    peak = Peak(front)
    command = ["curl", "-s", "--fail", "--max-time", "600", f"{front.url}/bytes?n={SIZE}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
        digest = hashlib.file_digest(client.stdout, "sha256").hexdigest()
    assert client.returncode == 0
    assert digest == hashlib.sha256(b"0123456789abcdef" * (SIZE // 16)).hexdigest()
    assert peak.grown < MOST_GROWTH


def test_a_client_that_reads_slowly_holds_little_memory(front, tmp_path):
    """The inside can send far faster than this client takes: what it does not take stays inside."""
    peak = Peak(front)
    options = ["--limit-rate", "4M", "--max-time", "3", "-o", str(tmp_path / "slow")]
    status, _ = curl(f"{front.url}/bytes?n={SIZE}", *options)
    assert status == 200
    assert 0 < Path(tmp_path / "slow").stat().st_size < SIZE
    assert peak.grown < MOST_GROWTH
