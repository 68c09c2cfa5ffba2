"""Keys of a feed: Ed25519, a PKCS#8 PEM file each, named after their role and the beginning of their id.

Private keys are written for their owner alone and encrypted where a passphrase is given. Which keys count for which
role is said by metadata (`repository`), never by the name of a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, Signer, SSlibKey

from revproxy.errors import ConfigError, Location

SHOWN: Final = 8
"""So much of a key's id stands in names and texts."""


class Keys:
    """The private keys in some folders; new ones go to the first."""

    def __init__(self, folders: Iterable[Path], passphrase: str | None = None) -> None:
        """Reads nothing yet."""
        self._folders = tuple(folders)
        self._passphrase = passphrase.encode() if passphrase else None

    def make(self, role: str) -> SSlibKey:
        """A new key; its public half. Raises ConfigError where it cannot be written."""
        private = Ed25519PrivateKey.generate()
        encryption = BestAvailableEncryption(self._passphrase) if self._passphrase else NoEncryption()
        text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        key = SSlibKey.from_crypto(private.public_key())
        path = self._folders[0] / f"{role}.{key.keyid[:SHOWN]}.pem"
        try:
            self._folders[0].mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(text)
        except OSError as error:
            raise ConfigError(f"the key cannot be written: {error.strerror}", Location(str(path))) from None
        return key

    def signers(self) -> dict[str, Signer]:
        """All that are here, by id. Raises ConfigError for a file that is no key, or whose passphrase is another."""
        found = [self._signer(path) for folder in self._folders for path in sorted(folder.glob("*.pem"))]
        return {signer.public_key.keyid: signer for signer in found}

    def _signer(self, path: Path) -> Signer:
        try:
            private = load_pem_private_key(path.read_bytes(), self._passphrase)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            hint = "the passphrase stands in REVPROXY_FEED_PASSPHRASE"
            raise ConfigError(f"this key cannot be read: {error}", Location(str(path)), hint=hint) from None
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigError("this is no Ed25519 key", Location(str(path)))
        return CryptoSigner(private, SSlibKey.from_crypto(private.public_key()))


def read_public(path: Path) -> SSlibKey:
    """Somebody else's public key (PEM). Raises ConfigError."""
    try:
        found = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"this is no public key: {error}", Location(str(path))) from None
    if not isinstance(found, Ed25519PublicKey):
        raise ConfigError("this is no Ed25519 key", Location(str(path)))
    return SSlibKey.from_crypto(found)
