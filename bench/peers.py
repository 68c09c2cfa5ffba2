"""The processes that are measured or stand behind: nginx in three roles, smtp-sink, and our front end.

Everything listens on loopback, on ports that the kernel chose, and is ended by its own process id.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRS = Path(os.environ.get("CRS", ROOT.parent / "shared" / "crs"))
"""A CRS folder (environment variable CRS)."""

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
  server {{ listen 127.0.0.1:{port} backlog=4096; root {folder}/www;
    location / {{ try_files /page.html =404; }} }}
"""
_PROXY = """
  upstream inside {{ server 127.0.0.1:{inside}; keepalive 128; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; {extra}
    location / {{ proxy_pass http://inside; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }}
"""
_MODSECURITY = """
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 1048576
SecResponseBodyAccess Off
SecAuditEngine Off
SecRule REQUEST_HEADERS:Content-Type "^application/json" \\
  "id:1,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
Include {crs}/crs-setup.conf.example
Include {crs}/rules/*.conf
"""
_REVPROXY = """
workers: 1
spool: {folder}/spool
cache: {cache}
admin: null
control: {{path: {folder}/control.sock}}
listeners:
  - {{name: web, kind: http, bind: "127.0.0.1:{http}"}}
  - {{name: mail, kind: smtp, bind: "127.0.0.1:{smtp}"}}
upstreams:
  inside: {{address: "127.0.0.1:{inside}"}}
  mailserver: {{address: "127.0.0.1:{sink}"}}
routes:
  - {{name: all, hosts: ["*"], path: /, upstream: inside, mode: {mode}}}
mail: {{hostname: front.example, domains: {{example.org: {{upstream: mailserver, mode: {mode}}}}}}}
logs: {{access: {{to: "file:{folder}/access.log"}}, audit: {{to: "file:{folder}/audit.log"}}, level: warning}}
limits: {{caps: {{connections_per_address: 1000}}, smtp: {{messages_per_session: 100000}}}}
"""


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


class Peer:
    """A process with a port. `pids` are those whose CPU time counts."""

    def __init__(self, command: list[str], port: int, seconds: float = 60.0) -> None:
        self.port = port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_port(port, self.process, seconds)

    @property
    def pids(self) -> list[int]:
        """The processes that do the work: the children where there are some."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children] or [pid]

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
    (folder / "www").mkdir(exist_ok=True)
    (folder / "www" / "page.html").write_bytes(b"x" * 1024)
    file = folder / "nginx.conf"
    file.write_text(_NGINX.format(folder=folder, http=http, modules=modules, log=log))
    return Peer(["nginx", "-e", f"{folder}/start.log", "-c", str(file)], port, 120.0)


def web_server(folder: Path) -> Peer:
    """nginx with a page of 1 kB for every path."""
    port = free_port()
    return nginx(folder, _SERVER.format(port=port, folder=folder), port)


def nginx_proxy(folder: Path, inside: int) -> Peer:
    """nginx as a proxy with an access log and nothing else."""
    port = free_port()
    return nginx(folder, _PROXY.format(port=port, inside=inside, extra=""), port, log=f"{folder}/access.log")


def nginx_modsecurity(folder: Path, inside: int) -> Peer | None:
    """nginx + libmodsecurity with the CRS; None where there is no CRS folder or no module."""
    module = Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so")
    if not module.exists() or not (CRS / "rules").is_dir():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    rules = folder / "modsecurity.conf"
    rules.write_text(_MODSECURITY.format(crs=CRS))
    port = free_port()
    extra = f"modsecurity on; modsecurity_rules_file {rules};"
    http = _PROXY.format(port=port, inside=inside, extra=extra)
    return nginx(folder, http, port, f"load_module {module};", f"{folder}/access.log")


def smtp_sink(folder: Path) -> Peer:
    """Postfix's smtp-sink."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    return Peer(["smtp-sink", *user, "-c", f"127.0.0.1:{port}", "1000"], port)


class Front(Peer):
    """Our front end, one worker."""

    def __init__(self, folder: Path, inside: int, sink: int, mode: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        http, self.smtp = free_port(), free_port()
        cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "revproxy"
        text = _REVPROXY.format(
            folder=folder, http=http, smtp=self.smtp, inside=inside, sink=sink, mode=mode, cache=cache
        )
        self.file = folder / "revproxy.yaml"
        self.file.write_text(text)
        super().__init__([sys.executable, "-m", "revproxy", "run", "-c", str(self.file)], http, 300.0)

    def status(self) -> dict[str, object]:
        """What the control socket says."""
        command = [sys.executable, "-m", "revproxy", "status", "--json", "-c", str(self.file)]
        told: dict[str, object] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return told
