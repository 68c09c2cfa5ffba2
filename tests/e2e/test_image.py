"""The image, built without a registry or an engine, and the front end started from it as docker/compose.yaml says:
not as root, on a read-only root, without capabilities, on three networks. The demo's cases come from outside.

REVPROXY_FULL=1 builds it (some minutes); REVPROXY_IMAGE=FOLDER takes what docker/build-image.sh left in FOLDER.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import scanner
import yaml
from containers import ENGINE, OUTSIDE, PROGRAMS, Containers
from servers import PATH, until

from revproxy.config import Address
from revproxy.demo.drive import rows

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parent.parent.parent
BUILT = os.environ.get("REVPROXY_IMAGE", "")
MOST_BYTES = 200_000_000
COMPILING_SECONDS = 180.0
DOOR = 31337
"""A port of `outside` that is open: what cannot be reached is not just closed."""
_TRY = """
import socket
s = socket.socket(); s.settimeout(2)
try: s.connect(({host!r}, {port})); print("reached")
except OSError as error: print(type(error).__name__, error)
"""


@pytest.fixture(scope="module")
def made(need: Callable[..., None]) -> Iterator[Path]:
    """The folder that docker/build-image.sh filled."""
    if os.environ.get("REVPROXY_FULL") != "1" and not BUILT:
        pytest.skip("REVPROXY_FULL=1 builds the image, which takes minutes")
    need(*PROGRAMS, root=True)
    if BUILT:
        yield Path(BUILT)
        return
    folder = Path(tempfile.mkdtemp(prefix="rp-image-"))
    done = subprocess.run(
        [str(ROOT / "docker/build-image.sh"), str(folder)], env={**os.environ, "PATH": PATH}, capture_output=True,
        text=True, timeout=1200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    yield folder
    # What buildah and podman leave mounted, so that mounts in it are theirs alone.
    subprocess.run(["umount", f"{folder}/store/images/overlay"], check=False, capture_output=True, timeout=30)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def root(made: Path) -> Iterator[Path]:
    """The image's file system."""

    def buildah(*words: str) -> str:
        command = ["buildah", "--root", f"{made}/store/images", "--runroot", f"{made}/store/run", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout.strip()

    container = buildah("from", "--pull-never", "localhost/revproxy")
    yield Path(buildah("mount", container))
    buildah("rm", container)


@pytest.fixture(scope="module")
def up(made: Path) -> Iterator[Containers]:
    """All services; the front end is ready. Its records go to a file, for the test to read."""
    folder = Path(tempfile.mkdtemp(prefix="rp-image-"))
    folder.chmod(0o755)
    for name in ("config", "log"):
        (folder / name).mkdir()
    os.chown(folder / "log", 65532, 65532)
    settings = yaml.safe_load((ROOT / "docker/config/revproxy.yaml").read_text("utf-8"))
    settings["logs"] = {kind: f"file:/var/log/revproxy/{kind}.jsonl" for kind in ("access", "audit")}
    (folder / "config/revproxy.yaml").write_text(yaml.safe_dump(settings))
    containers = Containers(ROOT / "docker/compose.yaml", made / "store", folder)
    try:
        containers.bound["./config"] = folder / "config"
        containers.more = [f"--volume={folder}/log:/var/log/revproxy"]
        containers.outside.open_door(DOOR)
        for name in ("web", "mail", "front"):
            containers.start(name)
        until(lambda: healthy(containers), "healthy front end", COMPILING_SECONDS)
        containers.bound["log"] = folder / "log"
        yield containers
    finally:
        containers.close()
        shutil.rmtree(folder)


def healthy(containers: Containers) -> bool:
    """The image's own health check, as an engine makes it."""
    return containers.podman("healthcheck", "run", "front", check=False).returncode == 0


# ---- what is in it


def test_its_size_and_what_it_consists_of(made: Path) -> None:
    told = dict(line.split(" ", 1) for line in (made / "image.txt").read_text().splitlines())
    assert int(told["unpacked"].split()[0]) < MOST_BYTES
    names = {tuple(line.split("\t")[:2]) for line in (made / "packages.txt").read_text().splitlines()}
    assert {("deb", "libc6"), ("deb", "python3.11-minimal"), ("python", "revproxy"), ("python", "hyperscan")} <= names
    assert len(json.loads((made / "sbom.cdx.json").read_text())["components"]) == len(names)
    assert not {name for _, name in names} & {"pip", "setuptools", "bash", "dash", "apt", "dpkg", "coreutils"}


def test_the_data_path_is_machine_code(root: Path) -> None:
    package = root / "opt/revproxy/lib/python3.11/site-packages/revproxy"
    assert len(list(package.glob("datapath__mypyc.*.so"))) == 1
    assert list((package / "detection/engine").glob("engine.*.so"))


def test_python_is_the_only_program(root: Path) -> None:
    found = set()
    for path in root.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            executable = path.stat().st_mode & 0o111 and ".so" not in path.name
            if executable and file.read(4) == b"\x7fELF":
                found.add(str(path.relative_to(root)))
    assert found == {"usr/bin/python3.11"}
    assert sorted(path.name for path in (root / "opt/revproxy/bin").iterdir() if not path.is_symlink()) == [
        "revproxy"
    ]


def test_nothing_has_more_rights_than_its_user_and_little_is_writable(root: Path) -> None:
    own = set()
    for path in root.rglob("*"):
        seen = path.lstat()
        name = str(path.relative_to(root))
        if stat.S_ISREG(seen.st_mode):
            assert not seen.st_mode & (stat.S_ISUID | stat.S_ISGID), name
        if not stat.S_ISLNK(seen.st_mode):
            assert not seen.st_mode & stat.S_IWOTH or name == "tmp", name
        if (seen.st_uid, seen.st_gid) != (0, 0):
            own.add(name)
    assert own == {
        "run/revproxy", "var/spool/revproxy", "var/cache/revproxy", "var/lib/revproxy", "var/log/revproxy"
    }  # fmt: skip


# ---- started


def test_the_cases_of_the_demo(up: Containers) -> None:
    """From outside, at the published ports."""
    log = up.bound["log"] / "access.jsonl"
    got = up.outside.here(lambda: list(rows(Address(ENGINE, 80), Address(ENGINE, 25), log)))
    assert len(got) == 18
    assert [row for row in got if not row.expected] == []
    assert {row.protocol for row in got if row.reached != "nothing"} == {"HTTP", "SMTP"}
    # Records, and limits per address, see the client and not the engine.
    assert {json.loads(line)["client"] for line in log.read_text().splitlines()} == {OUTSIDE}


def test_from_outside_only_the_listeners_answer(up: Containers) -> None:
    ports = range(1, 65536)
    opened, _ = up.outside.here(scanner.tcp, [(ENGINE, port) for port in ports])
    assert opened == {(ENGINE, 80), (ENGINE, 25)}


def test_the_main_process_has_no_rights_that_it_does_not_need(up: Containers) -> None:
    pid = up.inspect("front", "{{.State.Pid}}")
    rows_ = (line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    told = {key: value.split() for key, value in rows_}
    assert set(told["Uid"]) == set(told["Gid"]) == {"65532"}
    assert {told[name][0] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (told["NoNewPrivs"], told["Seccomp"]) == (["1"], ["2"])


def test_nothing_can_be_written_but_its_own_places(up: Containers) -> None:
    mounts: dict[str, Any] = {}
    for line in up.python("front", "print(open('/proc/mounts').read())").splitlines():
        _, place, kind, options = line.split()[:4]
        mounts[place] = kind, options.split(",")
    assert "ro" in mounts["/"][1]
    assert "ro" in mounts["/etc/revproxy"][1]
    for place in ("/run", "/tmp"):
        assert mounts[place][0] == "tmpfs"
        assert {"rw", "nosuid", "nodev", "noexec"} <= set(mounts[place][1])
    tried = "/opt/revproxy/x", "/etc/revproxy/x", "/var/log/x", "/x"
    code = (
        f"import os\nfor p in {tried!r}:\n try: os.open(p, os.O_CREAT | os.O_WRONLY); print(p)\n except OSError: pass"
    )
    assert up.python("front", code) == ""


def test_the_inside_reaches_nothing_outside(up: Containers) -> None:
    """Shown to be open first: a neighbour of the engine reaches the door."""
    target = _TRY.format(host=OUTSIDE, port=DOOR)
    opened, _ = up.engine.here(scanner.tcp, [(OUTSIDE, DOOR)])
    assert opened == {(OUTSIDE, DOOR)}
    assert "reached" not in up.python("web", target)
    assert "reached" not in up.python("mail", target)


def test_the_inside_is_on_no_other_network(up: Containers) -> None:
    for host in ("172.30.0.10", "172.30.1.10"):
        for port in (8080, 2525, 9180):
            assert "reached" not in up.python("web", _TRY.format(host=host, port=port))
    assert up.python("front", _TRY.format(host="172.30.2.20", port=8000)) == "reached"
    assert up.python("front", _TRY.format(host="172.30.1.10", port=9180)) == "reached"


def test_the_sandbox_is_whole_in_it(up: Containers) -> None:
    """Nothing of it is missing under the engine's own filter of system calls, and from within nothing is possible."""
    said = up.podman("logs", "front")
    assert "missing" not in said.stdout + said.stderr
    command = ["/opt/revproxy/bin/revproxy", "dmz", "verify", "-c", "/etc/revproxy/revproxy.yaml", "--json"]
    done = up.podman("exec", "front", *command, "--to", f"{OUTSIDE}:{DOOR}", check=False)
    assert done.returncode == 0, done.stdout


def test_reload_and_stop(up: Containers) -> None:
    """By our own command, without a shell; the last test of the module, since it ends the front end."""
    done = up.podman(
        "exec", "front", "/opt/revproxy/bin/revproxy", "reload", "--control", "/run/revproxy/control.sock"
    )
    assert done.stdout.startswith("generation 2 is in force")
    up.podman("stop", "front")
    assert up.inspect("front", "{{.State.ExitCode}}") == "0"
