"""The load runs, in short: no error, no wrong verdict; its web page answers."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "tests.load"]
PATH = os.pathsep.join(["/usr/sbin", os.environ.get("PATH", "")])


@pytest.fixture(autouse=True)
def _need():
    lacking = [program for program in ("nginx", "smtp-sink") if shutil.which(program, path=PATH) is None]
    # Found, not imported: it would patch half of the standard library for all other tests.
    lacking += [] if importlib.util.find_spec("locust") else ["locust"]
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}")


def test_a_few_seconds():
    command = [*COMMAND, "--seconds", "5", "--users", "20"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no error, no wrong verdict" in done.stdout
    for group in ("attack", "browse", "form", "mail"):
        assert f"\n{group} " in done.stdout


def test_the_web_page():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*COMMAND, "--web", "--web-port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as load:
        try:
            assert b"Locust" in page(f"http://127.0.0.1:{port}/", load)
        finally:
            load.send_signal(signal.SIGINT)
            assert load.wait(60) == 0


def page(url, process):
    """What is there, once somebody answers."""
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read()
        except urllib.error.URLError:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
