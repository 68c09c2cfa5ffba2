"""Keys of a feed: Ed25519, a PKCS#8 PEM file each, named after their role and the beginning of their id.

Private keys are written for their owner alone and encrypted where a passphrase is given. Which keys count for which
role is said by metadata (`repository`), never by the name of a file. A new key is written with the metadata that
needs it, so none is left behind by a change that was refused.
"""

from __future__ import annotations

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
from revproxy.updates.files import File

SHOWN: Final = 8
"""So much of a key's id stands in names and texts."""


class Keys:
    """The private keys in some folders; new ones go to the first."""

    def __init__(self, folders: Iterable[Path], passphrase: str | None = None) -> None:
        """Reads nothing yet."""
        self._folders = tuple(dict.fromkeys(folders))
        self._passphrase = passphrase.encode() if passphrase else None
        self._made: dict[File, Signer] = {}
        self.unread: tuple[str, ...] = ()
        """What is wrong with files of keys that could not be read by `signers`."""

    def make(self, role: str) -> SSlibKey:
        """A new key, which is written by nobody yet (`made`); its public half."""
        private = Ed25519PrivateKey.generate()
        encryption = BestAvailableEncryption(self._passphrase) if self._passphrase else NoEncryption()
        text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        key = SSlibKey.from_crypto(private.public_key())
        self._made[File(self.path(role, key.keyid), text)] = CryptoSigner(private, key)
        return key

    def path(self, role: str, keyid: str) -> Path:
        """Where a new key is written."""
        return self._folders[0] / f"{role}.{keyid[:SHOWN]}.pem"

    @property
    def folders(self) -> str:
        """Where they are looked for, as text."""
        return ", ".join(map(str, self._folders))

    def made(self) -> list[File]:
        """The files of new keys; their folder is there then. Raises ConfigError where it cannot be."""
        try:
            if self._made:
                self._folders[0].mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot be written: {error.strerror}", Location(str(self._folders[0]))) from None
        return list(self._made)

    def forget(self) -> None:
        """New keys are needed no more: a change begins anew."""
        self._made.clear()

    def signers(self) -> dict[str, Signer]:
        """All that are here, by id, new ones too; what cannot be read is in `unread`."""
        found, unread = list(self._made.values()), []
        for path in [path for folder in self._folders for path in sorted(folder.glob("*.pem"))]:
            try:
                found.append(self._signer(path))
            except ConfigError as error:
                unread.append(str(error))
        self.unread = tuple(unread)
        return {signer.public_key.keyid: signer for signer in found}

    def _signer(self, path: Path) -> Signer:
        """Raises ConfigError for a file that is no key, or whose passphrase is another."""
        data = b""
        try:
            data = path.read_bytes()
            private = load_pem_private_key(data, self._passphrase)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            hint = "the passphrase stands in REVPROXY_FEED_PASSPHRASE" if b"ENCRYPTED" in data else ""
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
