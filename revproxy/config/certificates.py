"""Whether a certificate file, its key and its dates fit together, found out before the first accept.

Reads the files; never keeps a key. Whether clients trust the issuer is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

SOON = timedelta(days=14)
FILE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """What was found; texts for a person, empty where all is well."""

    certificate: str = ""
    key: str = ""
    notice: str = ""


def examine(certificate: str, key: str, now: datetime | None = None) -> CertificateReport:
    """Read a chain and its key (PEM, no passphrase). `certificate` and `key` of the report are errors."""
    try:
        leaf = x509.load_pem_x509_certificates(_read(certificate))[0]
    except OSError as error:
        return CertificateReport(certificate=f"the certificate cannot be read: {error.strerror}")
    except ValueError:
        return CertificateReport(certificate=f"{certificate} holds no PEM certificate")
    try:
        private = load_pem_private_key(_read(key), password=None)
    except OSError as error:
        return CertificateReport(key=f"the key cannot be read: {error.strerror}")
    except TypeError:
        return CertificateReport(key=f"{key} is protected by a passphrase: it has to be stored without one")
    except ValueError:
        return CertificateReport(key=f"{key} holds no PEM private key")
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        return CertificateReport(key=f"{key} is not the key of {certificate}")
    return CertificateReport(notice=_dates(leaf, certificate, now or datetime.now(UTC)))


def _dates(leaf: x509.Certificate, name: str, now: datetime) -> str:
    first, last = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now > last:
        return f"{name} has expired on {last:%Y-%m-%d}"
    if now < first:
        return f"{name} is not valid before {first:%Y-%m-%d}"
    if now + SOON > last:
        return f"{name} expires on {last:%Y-%m-%d}"
    return ""


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(FILE_BYTES)


def examine_ca(path: str) -> str:
    """An error text when a CA file holds no certificate; nothing when it does."""
    try:
        x509.load_pem_x509_certificates(_read(path))
    except OSError as error:
        return f"the CA file cannot be read: {error.strerror}"
    except ValueError:
        return f"{path} holds no PEM certificate"
    return ""
