"""Detached OpenPGP signatures, as gpg sees them, by a key that an operator has named.

Invariants: a signature counts only when gpg calls it good (no expired or revoked key, no second signature beside it)
and its primary key is one that was given or whose fingerprint was; nothing is fetched from key servers.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from revproxy.errors import SupplyError, UseError

_SECONDS: Final = 60.0
_STATUS: Final = "[GNUPG:] "
_FINGERPRINT = re.compile(r"[0-9A-F]{40}(?:[0-9A-F]{24})?", re.ASCII)
_SIGNATURES: Final = frozenset({"GOODSIG", "BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG"})
_QUIET: Final = ("gpg", "--batch", "--no-tty", "--status-fd", "1", "--no-auto-key-retrieve", "--no-auto-key-locate")


def digits_of(fingerprint: str) -> str:
    """A fingerprint as gpg writes it, "" for none. Raises UseError for what is none."""
    digits = fingerprint.replace(" ", "").upper()
    if digits and _FINGERPRINT.fullmatch(digits) is None:
        raise UseError("signature", f"{fingerprint!r} is no fingerprint: 40 or 64 hexadecimal digits")
    return digits


def verify(archive: Path, signature: Path, key: Path | None = None, fingerprint: str = "") -> str:
    """The fingerprint of the primary key that signed. Raises SupplyError for any other case.

    `key` is a file of public keys; without one the key is in the keyring of whoever runs this, and `fingerprint` says
    which one counts.
    """
    wanted = digits_of(fingerprint)
    if not key and not wanted:
        raise _wrong("the key that signs must be given, or its fingerprint")
    if shutil.which("gpg") is None:
        raise _wrong("gpg is not installed; without it a release is known by its SHA-256 only")
    if key is None:
        return _signer(_gpg(["--verify", str(signature), str(archive)]), wanted)
    with tempfile.TemporaryDirectory() as home:
        imported = _gpg(["--homedir", home, "--import", str(key)])
        if not any(line.startswith("IMPORT_OK ") for line in imported):
            raise _wrong(f"{key} holds no public key")
        return _signer(_gpg(["--homedir", home, "--verify", str(signature), str(archive)]), wanted)


def _wrong(reason: str) -> SupplyError:
    return SupplyError("signature", reason)


def _gpg(arguments: Sequence[str]) -> list[str]:
    """The status lines of one call."""
    try:
        done = subprocess.run([*_QUIET, *arguments], capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _wrong(f"gpg: {error}") from None
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return [line.removeprefix(_STATUS) for line in lines if line.startswith(_STATUS)]


def _signer(status: Sequence[str], wanted: str) -> str:
    kinds = [line.partition(" ")[0] for line in status if line.partition(" ")[0] in _SIGNATURES]
    valid = [line.split() for line in status if line.startswith("VALIDSIG ")]
    if kinds != ["GOODSIG"] or len(valid) != 1:
        raise _wrong(f"gpg does not call it good ({', '.join(kinds) or 'no signature'})")
    primary = valid[0][-1]
    if wanted and primary != wanted:
        raise _wrong(f"signed by {primary}, not by {wanted}")
    return primary
