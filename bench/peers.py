"""The processes that are measured or stand behind: nginx in three roles, Coraza, smtp-sink, and our front end.

Everything listens on loopback, on ports that the kernel chose, and is ended by its own process id. All that inspect
by a CRS folder read the same file before it (`crs_setup`).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from bench.loads import WORDS
from revproxy.app.ftw import seclang_overrides

ROOT = Path(__file__).resolve().parent.parent
CRS = Path(os.environ.get("CRS", ROOT.parent / "shared" / "crs"))
"""A CRS folder (environment variable CRS)."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "revproxy"
_BUILD_SECONDS = 600
MODSECURITY = Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so")
"""The module of nginx."""
_PAGE = f"<html><body><h1>Items</h1><p>{' '.join(WORDS * 2)[:890]}</p><p>$request_id</p></body></html>"
"""1 kB, never the same: inspection of answers cannot remember it."""

_NGINX = """
daemon off; master_process on; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
{modules}
events {{ worker_connections 4096; }}
http {{
  access_log {log}; keepalive_requests 1000000000; keepalive_timeout 300s; client_max_body_size 64m;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
{http}
}}
"""
_SERVER = """
  server {{ listen 127.0.0.1:{port} backlog=4096; default_type text/html; location / {{ return 200 "{page}"; }} }}
"""
_PROXY = """
  upstream inside {{ server 127.0.0.1:{inside}; keepalive 128; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; {extra}
    location / {{ proxy_pass http://inside; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }}
"""
_MORE_SETUP = """\
SecArgumentsLimit 100000
SecRule REQBODY_ERROR "!@eq 0" "id:90004,phase:2,t:none,deny,status:400,log"
"""
"""Forms and JSON may have more values than most engines take unasked; what is broken is refused by all."""
_REVPROXY = """
workers: 1
sandbox: {sandbox}
spool: {folder}/spool
cache: {cache}
admin: "127.0.0.1:{admin}"
control: {{path: {folder}/control.sock}}
listeners:
  - {{name: web, kind: http, bind: "127.0.0.1:{http}"}}
{mail_listener}
upstreams:
  inside: {{address: "127.0.0.1:{inside}"}}
{mail_upstream}
routes:
  - {{name: all, hosts: ["*"], path: /, upstream: inside, mode: {mode}}}
{mail}
inspection: {{rules: {rules}, signatures_for: {signatures_for}}}
logs: {{access: {{to: "file:{folder}/access.log"}}, audit: {{to: "file:{folder}/audit.log"}}, level: warning}}
limits: {{caps: {{connections_per_address: 1000}}, smtp: {{messages_per_session: 100000}}}}
"""
_MAIL_LISTENER = '  - {{name: mail, kind: smtp, bind: "127.0.0.1:{smtp}"}}'
_MAIL_UPSTREAM = '  mailserver: {{address: "127.0.0.1:{sink}"}}'
_MAIL = "mail: {{hostname: front.example, domains: {{example.org: {{upstream: mailserver, mode: {mode}}}}}}}"


def free_port() -> int:
    """A port that the kernel chose a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_port(port: int, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    """Until somebody accepts there. Raises RuntimeError when the process ends or time is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not listen on {port}")


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """What is started meanwhile stays on that processor."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _with_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _with_children(int(child)))]


class Peer:
    """A process with a port. `pids` are those whose CPU time counts."""

    def __init__(self, command: list[str], port: int, seconds: float = 60.0) -> None:
        self.port = port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_port(port, self.process, seconds)

    @property
    def pids(self) -> list[int]:
        """It and all that it started."""
        return _with_children(self.process.pid)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)


def nginx(folder: Path, http: str, port: int, modules: str = "", log: str = "off") -> Peer:
    """An nginx with that `http` block."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(_NGINX.format(folder=folder, http=http, modules=modules, log=log))
    return Peer(["nginx", "-e", f"{folder}/start.log", "-c", str(file)], port, 120.0)


def web_server(folder: Path) -> Peer:
    """nginx with a page of 1 kB for every path and method."""
    port = free_port()
    return nginx(folder, _SERVER.format(port=port, page=_PAGE), port)


def nginx_proxy(folder: Path, inside: int) -> Peer:
    """nginx as a proxy with an access log and nothing else."""
    port = free_port()
    return nginx(folder, _PROXY.format(port=port, inside=inside, extra=""), port, log=f"{folder}/access.log")


def crs_files(folder: Path) -> list[Path]:
    """The files of a CRS folder in order; none where it is not one."""
    if not (folder / "rules").is_dir():
        return []
    setup = folder / "crs-setup.conf"
    return [setup if setup.exists() else folder / "crs-setup.conf.example", *sorted(folder.glob("rules/*.conf"))]


def crs_setup(level: int) -> str:
    """What stands before a CRS folder: the engine on, answers inspected, broken bodies refused, nothing else."""
    return seclang_overrides(level, enforces=True) + _MORE_SETUP


def _peer_rules(folder: Path, crs: Path, level: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rules = folder / "rules.conf"
    rules.write_text(crs_setup(level) + "".join(f"Include {file}\n" for file in crs_files(crs)))
    return rules


def nginx_modsecurity(folder: Path, inside: int, crs: Path = CRS, level: int = 1) -> Peer | None:
    """nginx + libmodsecurity with the CRS; None where there is no CRS folder or no module."""
    if not MODSECURITY.exists() or not crs_files(crs):
        return None
    rules = _peer_rules(folder, crs, level)
    port = free_port()
    extra = f"modsecurity on; modsecurity_rules_file {rules};"
    http = _PROXY.format(port=port, inside=inside, extra=extra)
    return nginx(folder, http, port, f"load_module {MODSECURITY};", f"{folder}/access.log")


def coraza(folder: Path, inside: int, crs: Path, level: int) -> Peer:
    """Coraza in a reverse proxy of net/http, built where that was not done yet.

    Raises RuntimeError with the reason where it cannot be built.
    """
    if shutil.which("go") is None:
        raise RuntimeError("Go is not installed")
    program = CACHE / "bench" / "coraza"
    command = ["go", "build", "-C", str(ROOT / "bench" / "coraza"), "-o", str(program), "."]
    try:
        built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_BUILD_SECONDS)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"go build took more than {_BUILD_SECONDS} s")
    if built.returncode:
        raise RuntimeError(f"go build: {built.stderr.strip().splitlines()[-1]}")
    rules, port = _peer_rules(folder, crs, level), free_port()
    return Peer([str(program), f"127.0.0.1:{port}", f"127.0.0.1:{inside}", str(rules), f"{folder}/error.log"], port)


def smtp_sink(folder: Path) -> Peer:
    """Postfix's smtp-sink."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    return Peer(["smtp-sink", *user, "-c", f"127.0.0.1:{port}", "1000"], port)


class Front(Peer):
    """Our front end, one worker."""

    def __init__(
        self,
        folder: Path,
        inside: int,
        sink: int | None,
        mode: str,
        rules: Sequence[Path] = (),
        sandbox: str = "on",
    ) -> None:
        """With our signatures, or with these `rules` instead; for mail only where there is a sink."""
        folder.mkdir(parents=True, exist_ok=True)
        http, self.smtp, self.admin = free_port(), free_port(), free_port()
        text = _REVPROXY.format(
            folder=folder,
            sandbox=sandbox,
            http=http,
            admin=self.admin,
            inside=inside,
            mode=mode,
            cache=CACHE,
            mail=_MAIL.format(mode=mode) if sink else "",
            mail_listener=_MAIL_LISTENER.format(smtp=self.smtp) if sink else "",
            mail_upstream=_MAIL_UPSTREAM.format(sink=sink) if sink else "",
            rules=json.dumps([str(path) for path in rules]),
            signatures_for="[mail]" if rules else "[http, mail]",
        )
        self.file = folder / "revproxy.yaml"
        self.file.write_text(text)
        super().__init__([sys.executable, "-m", "revproxy", "run", "-c", str(self.file)], http, 300.0)
        # The socket is bound before rules are linked and workers start.
        first = HTTPConnection("127.0.0.1", http, timeout=300.0)
        first.request("GET", "/")
        first.getresponse()
        first.close()

    def status(self) -> dict[str, object]:
        """What the control socket says."""
        command = [sys.executable, "-m", "revproxy", "status", "--json", "-c", str(self.file)]
        told: dict[str, object] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return told
