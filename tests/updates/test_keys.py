from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from revproxy.errors import ConfigError
from revproxy.updates.keys import Keys, read_public

_SUBJECT = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_key_is_written_for_its_owner_alone_and_found_again(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    made = Keys([first]).make("root")
    other = Keys([second]).make("root")
    (file,) = first.iterdir()
    assert file.name == f"root.{made.keyid[:8]}.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    signers = Keys([first, second]).signers()
    assert signers.keys() == {made.keyid, other.keyid}
    signature = signers[made.keyid].sign(b"text")
    made.verify_signature(signature, b"text")


def test_a_passphrase(tmp_path):
    made = Keys([tmp_path], "secret").make("ours")
    assert b"ENCRYPTED" in next(tmp_path.iterdir()).read_bytes()
    assert made.keyid in Keys([tmp_path], "secret").signers()
    for wrong in (None, "other"):
        with pytest.raises(ConfigError, match="cannot be read"):
            Keys([tmp_path], wrong).signers()


def private_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_what_is_no_key(tmp_path):
    (tmp_path / "a.pem").write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="cannot be read"):
        Keys([tmp_path]).signers()
    (tmp_path / "a.pem").write_bytes(private_pem(generate_private_key(SECP256R1())))
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        Keys([tmp_path]).signers()


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        Keys([tmp_path / "file"]).make("root")


def test_public_keys(tmp_path):
    key = Keys([tmp_path / "keys"]).make("ours")
    path = tmp_path / "public.pem"
    private = load_pem_private_key(next((tmp_path / "keys").iterdir()).read_bytes(), None)
    path.write_bytes(private.public_key().public_bytes(*_SUBJECT))
    assert read_public(path).keyid == key.keyid
    path.write_bytes(generate_private_key(SECP256R1()).public_key().public_bytes(*_SUBJECT))
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        read_public(path)
    for data in (b"nonsense", b""):
        path.write_bytes(data)
        with pytest.raises(ConfigError, match="no public key"):
            read_public(path)
