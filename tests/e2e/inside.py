"""What stands inside in the laboratory, and the front end before it: real nginx, Postfix, Dovecot and PostgreSQL.

Each runs on the network of its machine, with everything that it writes in a folder of its own, and is ended by its
own process id. Nothing here knows a firewall.
"""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml
from lab import Machine
from servers import CACHE, PATH, REVPROXY, Postfix, Process, until

WORKERS, BROKER = 64001, 64002
"""Users of the front end, by number: no machine has to know them."""
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
PROGRAMS = ("nginx", "postfix", "dovecot", "curl", "swaks", "psql", "setpriv")
_APPLICATION = """
import http.server, subprocess, sys
class Users(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        number = self.path.rpartition("/")[2]
        words = [sys.argv[1], "-h", "10.0.0.7", "-U", "application", "-d", "postgres", "-Atc"]
        query = "select name from users where id = " + str(int(number))
        done = subprocess.run([*words, query], capture_output=True, timeout=10)
        self.send_response(200 if done.returncode == 0 else 503)
        self.send_header("Content-Length", str(len(done.stdout)))
        self.end_headers()
        self.wfile.write(done.stdout)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 9000), Users)
print("ready", flush=True)
server.serve_forever()
"""
"""The internal application: the only one that has business with the user database."""
_NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off; client_max_body_size 0; client_body_temp_path {folder}/1; proxy_temp_path {folder}/2;
  fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 10.0.0.5:8080; default_type text/html; root {folder}/www;
    location / {{ return 200 "<p>a page of the internal web server</p>"; }}
    location /files/ {{ }}
    location /users/ {{ proxy_pass http://127.0.0.1:9000; }} }}
}}
"""
_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 10.0.0.6
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:{maildir}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}
}}
service imap-login {{
  chroot =
  inet_listener imaps {{
    port = 0
  }}
}}
"""


def _nginx(machine: Machine, folder: Path) -> Process:
    (folder / "www/files").mkdir(parents=True)
    (folder / "www/files/large").write_bytes(b"large " * 50_000)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder))
    command = [*machine.inside, "nginx", "-e", f"{folder}/start.log", "-c", f"{folder}/nginx.conf"]
    made = Process(command, folder / "stderr", env={**os.environ, "PATH": PATH})
    until(lambda: (folder / "nginx.pid").exists() or made.process.poll() is not None, "nginx")
    assert made.process.poll() is None, (folder / "start.log").read_text()
    return made


def _application(machine: Machine, folder: Path) -> Process:
    command = [*machine.inside, sys.executable, "-c", _APPLICATION, str(POSTGRES[-1] / "psql")]
    made = Process(command, folder / "application.stderr")
    made.line_with("ready")
    return made


def _dovecot(machine: Machine, folder: Path, maildir: Path) -> Process:
    user = pwd.getpwnam("postfix")
    text = _DOVECOT.format(folder=folder, maildir=maildir, uid=user.pw_uid, gid=user.pw_gid)
    (folder / "dovecot.conf").write_text(text)
    command = [*machine.inside, "dovecot", "-F", "-c", f"{folder}/dovecot.conf"]
    made = Process(command, folder / "stderr", env={**os.environ, "PATH": PATH})
    log = folder / "log"
    until(lambda: (log.exists() and "starting up" in log.read_text()) or made.process.poll() is not None, "Dovecot")
    assert made.process.poll() is None, made.errors.read_text()
    return made


def _postgres(machine: Machine, folder: Path) -> Process:
    """A server that any address may speak to: what keeps the DMZ away is not in here."""
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data, binaries = folder / "data", POSTGRES[-1]
    machine.command(*as_user, str(binaries / "initdb"), "-D", str(data), "--auth=trust", "--no-sync", "-E", "UTF8")
    (data / "pg_hba.conf").write_text("local all all trust\nhost all all all trust\n")
    settings = {"listen_addresses": "*", "unix_socket_directories": str(folder), "fsync": "off"}
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    command = [*machine.inside, *as_user, str(binaries / "postgres"), "-D", str(data), *options]
    made = Process(command, folder / "stderr")
    until(lambda: "ready to accept" in made.errors.read_text() or made.process.poll() is not None, "PostgreSQL")
    query = "create role application login; create table users (id int, name text); grant select on users to public;"
    query += "insert into users values (1, 'Ada'), (2, 'Grace')"
    machine.command(str(binaries / "psql"), "-h", str(folder), "-U", "postgres", "-d", "postgres", "-qc", query)
    return made


def configuration(folder: Path) -> dict[str, Any]:
    """The front end's: its firewall rules come from here too."""
    return {
        "listeners": [
            {"name": "web", "kind": "http", "bind": "192.0.2.10:80"},
            {"name": "web6", "kind": "http", "bind": "[2001:db8:d::10]:80"},
            {"name": "mx", "kind": "smtp", "bind": "192.0.2.10:25"},
        ],
        "upstreams": {"web": "10.0.0.5:8080", "mail": {"address": "10.0.0.6:25", "client_address": "xclient"}},
        "routes": [{"path": "/", "upstream": "web"}],
        "mail": {"hostname": "mx.one.example", "domains": {"one.example": "mail"}},
        "logs": {"access": f"file:{folder}/access.log", "audit": f"file:{folder}/audit.log"},
        "control": {"path": f"{folder}/control.sock"},
        "limits": {"caps": {"connections_per_address": 40}},
        "user": str(WORKERS),
        "broker_user": str(BROKER),
        "spool": f"{folder}/spool",
        "cache": str(CACHE),
        "zones": {
            "dmz": ["192.0.2.0/28", "2001:db8:d::/64"],
            "internal": ["10.0.0.0/24", "fd00:10::/64"],
            "administration": {"networks": ["10.0.0.200", "fd00:10::200"]},
            "services": {"dns": ["10.0.0.7:53"], "feed": ["203.0.113.66:443"]},
            "connections_per_second": 50,
        },
    }


def _front(machine: Machine, folder: Path) -> Process:
    (folder / "revproxy.yaml").write_text(yaml.safe_dump(configuration(folder), sort_keys=False))
    made = Process([*machine.inside, *REVPROXY, "run", "-c", f"{folder}/revproxy.yaml"], folder / "stderr")
    made.line_with("ready: ")
    return made


@contextmanager
def served(machines: dict[str, Machine], folder: Path) -> Iterator[None]:
    """All servers, in the order in which they need one another; ended in the other."""
    folders = {name: folder / name for name in ("web", "mail", "imap", "users", "front")}
    for path in folders.values():
        path.mkdir(mode=0o755)
    with ExitStack() as stack:

        def keep(process: Process) -> None:
            stack.callback(process.stop)

        keep(_postgres(machines["users"], folders["users"]))
        keep(_application(machines["web"], folders["web"]))
        keep(_nginx(machines["web"], folders["web"]))
        postfix = Postfix(folders["mail"], "10.0.0.6", machines["mail"].inside, "192.0.2.10")
        stack.callback(postfix.command, "stop")
        keep(_dovecot(machines["mail"], folders["imap"], folders["mail"] / "mail/user"))
        keep(_front(machines["front"], folders["front"]))
        yield
