"""Signatures by a real gpg, with keys made for the occasion."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from revproxy.app.openpgp import verify
from revproxy.errors import SupplyError, UseError

needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="needs gpg")


class Signer:
    """A key in a keyring of its own."""

    def __init__(self, home, user):
        self.home, self.key = home, home / "key.asc"
        home.mkdir(mode=0o700)
        self.gpg("--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", "never")
        listed = self.gpg("--with-colons", "--list-keys").decode().splitlines()
        self.fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
        self.key.write_bytes(self.gpg("--armor", "--export"))

    def gpg(self, *arguments):
        command = ["gpg", "--batch", "--no-tty", "--homedir", str(self.home), *arguments]
        return subprocess.run(command, capture_output=True, timeout=60, check=True).stdout

    def sign(self, file):
        made = file.with_suffix(f".{self.home.name}.asc")
        self.gpg("--armor", "--output", str(made), "--detach-sign", str(file))
        return made


@pytest.fixture(scope="module")
def signers(tmp_path_factory):
    # A short path: an agent's socket lies in it.
    folder = tmp_path_factory.mktemp("g")
    made = [Signer(folder / name, f"{name}@example.org") for name in ("a", "b")]
    yield made
    for one in made:
        subprocess.run(["gpgconf", "--homedir", str(one.home), "--kill", "all"], timeout=60, check=True)


@pytest.fixture
def archive(tmp_path):
    (tmp_path / "archive").write_bytes(b"a release")
    return tmp_path / "archive"


@needs_gpg
def test_a_good_signature(signers, archive, monkeypatch):
    one, _ = signers
    signature = one.sign(archive)
    assert verify(archive, signature, one.key) == one.fingerprint
    assert verify(archive, signature, one.key, one.fingerprint.lower()) == one.fingerprint
    # Without a file the key is in one's own keyring.
    monkeypatch.setenv("GNUPGHOME", str(one.home))
    assert verify(archive, signature, fingerprint=one.fingerprint) == one.fingerprint


@needs_gpg
def test_signatures_that_do_not_count(signers, archive, monkeypatch, tmp_path):
    one, other = signers
    theirs, ours = other.sign(archive), one.sign(archive)
    with pytest.raises(SupplyError, match="does not call it good"):
        verify(archive, theirs, one.key)
    with pytest.raises(SupplyError, match=f"signed by {one.fingerprint}, not by {other.fingerprint}"):
        verify(archive, ours, one.key, other.fingerprint)
    monkeypatch.setenv("GNUPGHOME", str(other.home))
    with pytest.raises(SupplyError, match="does not call it good"):
        verify(archive, ours, fingerprint=one.fingerprint)
    two = tmp_path / "two.asc"
    two.write_bytes(one.gpg("--dearmor", str(ours)) * 2)
    with pytest.raises(SupplyError, match="does not call it good"):
        verify(archive, two, one.key)
    archive.write_bytes(b"another")
    with pytest.raises(SupplyError, match=r"does not call it good \(BADSIG\)"):
        verify(archive, ours, one.key)


@needs_gpg
def test_files_that_are_no_keys_and_no_signatures(signers, archive, tmp_path):
    one, _ = signers
    (tmp_path / "nonsense").write_bytes(b"nonsense")
    with pytest.raises(SupplyError, match="holds no public key"):
        verify(archive, tmp_path / "nonsense", tmp_path / "nonsense")
    with pytest.raises(SupplyError, match="no signature"):
        verify(archive, tmp_path / "nonsense", one.key)


def test_what_must_be_said(archive, monkeypatch):
    with pytest.raises(SupplyError, match="must be given"):
        verify(archive, archive)
    with pytest.raises(UseError, match="no fingerprint"):
        verify(archive, archive, fingerprint="ABCD")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SupplyError, match="gpg is not installed"):
        verify(archive, archive, archive)
