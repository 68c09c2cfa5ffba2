"""What the end-to-end tests and the load start: nginx, Postfix, smtp-sink, the demo's servers, our front end.

Each is a process of its own on loopback, with everything that it writes in a folder that the caller gives, and is
ended by its own process id. Nothing here sleeps where a program says that it is ready.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

PATH = os.pathsep.join(["/usr/sbin", "/usr/lib/postfix/sbin", os.environ.get("PATH", "")])
"""Where Debian puts what an ordinary PATH may lack."""
REVPROXY = (sys.executable, "-m", "revproxy")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "revproxy"
PATIENCE = 60.0
_PLACE = re.compile(r"(\S+) (?:http |smtp )?127\.0\.0\.1:([0-9]+)")


def missing(*programs: str) -> list[str]:
    """Those that are not installed."""
    return [program for program in programs if shutil.which(program, path=PATH) is None]


def free_port() -> int:
    """A port that the kernel chose a moment ago, for programs that cannot tell which one they got."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def until(true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """The first true value. Only for what another program does without telling anybody: files, ports, processes."""
    end = time.monotonic() + seconds
    while not (value := true()):
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds:g} s there was still no {what}")
        time.sleep(0.02)
    return value


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A process, its standard output line by line, and its end. Standard error goes to `errors`."""

    def __init__(self, command: list[str], errors: Path, **options: Any) -> None:
        self.errors = errors
        with errors.open("wb") as sink:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sink, text=True, **options)
        self.pid = self.process.pid
        self.output: list[str] = []

    def line_with(self, text: str) -> str:
        """The next line of standard output that holds `text`."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            self.output.append(line.rstrip("\n"))
            if text in line:
                return line.rstrip("\n")
        code = self.stop()
        raise AssertionError(f"no {text!r}, ended with {code}: {self.output}\n{self.errors.read_text()}")

    def stop(self, seconds: float = PATIENCE) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()


# ---- web servers

_NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  log_format seen '$request_method $request_uri $content_length';
  access_log {folder}/access.log seen; client_max_body_size 0; keepalive_requests 1000000;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.1:{port} backlog=4096 {tls};
    default_type text/html; root {folder}/www;
    location / {{ return 200 "<p>a page of the real web server</p>"; }}
    location /files/ {{ }}
    {extra} }}
}}
"""


class Nginx(Process):
    """A real web server: a page for every path and method, files below /files/."""

    def __init__(self, folder: Path, tls: tuple[str, str] | None = None, extra: str = "") -> None:
        (folder / "www/files").mkdir(parents=True)
        folder.chmod(0o755)
        self.folder = folder
        # nginx takes over a listening socket that it inherits: the port cannot be lost to anybody in between.
        with socket.create_server(("127.0.0.1", 0), backlog=4096) as sock:
            sock.set_inheritable(True)
            self.port = sock.getsockname()[1]
            if tls is not None:
                extra += f" ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]};"
            text = _NGINX.format(folder=folder, port=self.port, tls="ssl" if tls else "", extra=extra)
            (folder / "nginx.conf").write_text(text)
            command = ["nginx", "-e", f"{folder}/start.log", "-c", f"{folder}/nginx.conf"]
            environment = {**os.environ, "PATH": PATH, "NGINX": f"{sock.fileno()};"}
            super().__init__(command, folder / "stderr", env=environment, pass_fds=[sock.fileno()])
        until(lambda: (folder / "nginx.pid").exists() or self.process.poll() is not None, "nginx")
        assert self.process.poll() is None, (folder / "start.log").read_text()

    def seen(self) -> list[str]:
        """Method, target and Content-Length of every request, in order; written when a request is over."""
        return (self.folder / "access.log").read_text().splitlines()


class Inside(Process):
    """One of the demo's internal servers: `Inside(folder, "web")` or `"mail"`."""

    def __init__(self, folder: Path, kind: str, *options: str, port: int = 0) -> None:
        command = [*REVPROXY, "demo-inside", kind, f"127.0.0.1:{port}", *options]
        super().__init__(command, folder / f"{kind}.stderr", stdin=subprocess.PIPE)
        self.ports: dict[str, int] = json.loads(self.line_with("{"))


# ---- mail servers

_MAIN = """\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = {root}/log
maillog_file_prefixes = {root}
inet_interfaces = {address}
inet_protocols = ipv4
myhostname = store7.inside.example
mydestination =
local_recipient_maps =
mynetworks = {front}
smtpd_peername_lookup = no
smtpd_authorized_xclient_hosts = {front}
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions =
smtputf8_enable = yes
virtual_mailbox_domains = one.example
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = inline:{{ {{ user@one.example = user/ }}, {{ postmaster@one.example = user/ }} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_alias_maps =
alias_maps =
default_transport = error:no way out
"""
_MASTER = """\
{address}:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A private instance that delivers user@one.example into a Maildir and trusts everything on this machine.

    With `inside` its commands begin with that: it has `address` and port 25 of a network of its own. It trusts
    `front`, where its mail comes from.
    """

    def __init__(
        self, root: Path, address: str = "127.0.0.1", inside: Sequence[str] = (), front: str = "127.0.0.0/8"
    ) -> None:
        self.root = root
        self.inside = inside
        self.port = 25 if inside else free_port()
        root.chmod(0o755)
        user = pwd.getpwnam("postfix")
        for name, mode in (("etc", 0o755), ("queue", 0o755), ("data", 0o700), ("mail", 0o755)):
            (root / name).mkdir(mode=mode)
        for name in ("data", "mail"):
            os.chown(root / name, user.pw_uid, user.pw_gid)
        text = _MAIN.format(root=root, address=address, front=front, uid=user.pw_uid, gid=user.pw_gid)
        (root / "etc/main.cf").write_text(text)
        (root / "etc/master.cf").write_text(_MASTER.format(address=address, port=self.port))
        self.command("start")

    def command(self, word: str) -> None:
        """`start` and `stop`, as a postmaster would."""
        done = subprocess.run(
            [*self.inside, "postfix", "-c", str(self.root / "etc"), word],
            env={**os.environ, "PATH": PATH, "MAIL_CONFIG": str(self.root / "etc")},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def delivered(self) -> list[bytes]:
        """Every message in the Maildir."""
        return [path.read_bytes() for path in (self.root / "mail/user/new").glob("*")]

    def queued(self) -> list[str]:
        """Ids of the messages that were taken and are not delivered yet."""
        places = ("maildrop", "incoming", "active", "deferred", "hold")
        return [path.name for place in places for path in (self.root / "queue" / place).rglob("*") if path.is_file()]


class Sink(Process):
    """Postfix's smtp-sink. With `dump`, a file with the envelope and text of every message."""

    def __init__(self, folder: Path, dump: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.dump = folder / "dump"
        options = ["-D", str(self.dump)] if dump else []
        if os.geteuid() == 0:
            folder.chmod(0o777)
            options += ["-u", "nobody"]
        command = ["smtp-sink", *options, f"127.0.0.1:{self.port}", "1000"]
        super().__init__(command, folder / "stderr", env={**os.environ, "PATH": PATH})
        until(lambda: accepts(self.port) or self.process.poll() is not None, "smtp-sink")
        assert self.process.poll() is None, self.errors.read_text()


# ---- the front end


def configuration(folder: Path, web: int, mail: int, **changes: Any) -> dict[str, Any]:
    """A configuration with one listener of each kind; `changes` replace whole sections."""
    return {
        "listeners": [
            {"name": "web", "kind": "http", "bind": "127.0.0.1:0"},
            {"name": "mail", "kind": "smtp", "bind": "127.0.0.1:0"},
        ],
        "upstreams": {"web": f"127.0.0.1:{web}", "mail": f"127.0.0.1:{mail}"},
        "routes": [{"path": "/", "upstream": "web"}],
        "mail": {"hostname": "mx.example", "domains": {"one.example": "mail"}},
        "logs": {"access": f"file:{folder}/access.log", "audit": f"file:{folder}/audit.log", "level": "info"},
        "control": {"path": f"{folder}/control.sock"},
        "admin": "127.0.0.1:0",
        "spool": f"{folder}/spool",
        "cache": str(CACHE),
        **changes,
    }


class Front(Process):
    """`revproxy run`; returns once it says that it is ready."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.file = folder / "revproxy.yaml"
        self.file.write_text(yaml.safe_dump(settings, sort_keys=False))
        super().__init__([*REVPROXY, "run", "-c", str(self.file)], folder / "stderr")
        self.ports = {name: int(port) for name, port in _PLACE.findall(self.line_with("ready: "))}
        self.url = f"http://127.0.0.1:{self.ports['web']}" if "web" in self.ports else ""

    def tell(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same configuration: `tell("reload")`."""
        command = [*REVPROXY, *words, "-c", str(self.file)]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def status(self) -> dict[str, Any]:
        """What the control socket says."""
        told: dict[str, Any] = json.loads(self.tell("status", "--json").stdout)
        return told

    def workers(self) -> list[int]:
        """Process ids of the workers of all generations."""
        return [worker["pid"] for generation in self.status()["generations"] for worker in generation["workers"]]

    def records(self, log: str = "access.log") -> list[dict[str, Any]]:
        """The records written so far."""
        path = self.folder / log
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# ---- what a process uses


def memory_bytes(pid: int, field: str = "VmRSS") -> int:
    """Resident memory now; with `VmHWM` the most since `forget_peak`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {field} of {pid}")


def forget_peak(pid: int) -> None:
    """From now on `VmHWM` counts anew (proc(5), clear_refs): the kernel's own worst, not a sample."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process so far."""
    return sum(int((t / "schedstat").read_text().split()[0]) for t in Path(f"/proc/{pid}/task").iterdir()) / 1e9


# ---- clients


def curl(url: str, *options: str) -> tuple[int, str]:
    """(status, body) of one request; 0 when there was no answer."""
    command = ["curl", "--silent", "--show-error", "--path-as-is", "--max-time", "60", "-w", "\n%{http_code}"]
    done = subprocess.run([*command, *options, url], capture_output=True, text=True, timeout=90, check=False)
    body, _, status = done.stdout.rpartition("\n")
    return int(status or 0), body or done.stderr


def swaks(port: int, to: str, *options: str) -> tuple[int, str]:
    """Send a message; (the code of the last reply to it that was not QUIT's, the dialogue)."""
    command = ["swaks", "--server", "127.0.0.1", "--port", str(port), "--to", to, "--from", "ada@out.example"]
    command += ["--helo", "client.example", "--timeout", "30", *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
    replies = re.findall(r"^<(?:-|\*\*|~)[ *]* ?([2-5][0-9][0-9]) ", done.stdout, re.MULTILINE)
    codes = [int(code) for code in replies if code != "221"]
    return (codes[-1] if codes else 0), done.stdout + done.stderr


@contextmanager
def in_background(work: Callable[[], None]) -> Iterator[threading.Thread]:
    """Run `work` in a thread beside the body; joined at the end, its exception raised there."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread below
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join()
    if failed:
        raise failed[0]
