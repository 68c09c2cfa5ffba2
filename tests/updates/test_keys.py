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
from revproxy.updates.files import write_all
from revproxy.updates.keys import Keys, read_public

_SUBJECT = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def written(folder, role, passphrase=None):
    """A key of that role, on disk."""
    keys = Keys([folder], passphrase)
    made = keys.make(role)
    write_all(keys.made())
    return made


def test_a_key_is_written_for_its_owner_alone_and_found_again(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    made, other = written(first, "root"), written(second, "root")
    (file,) = first.iterdir()
    assert file.name == f"root.{made.keyid[:8]}.pem"
    assert (first.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    signers = Keys([first, second]).signers()
    assert signers.keys() == {made.keyid, other.keyid}
    signature = signers[made.keyid].sign(b"text")
    made.verify_signature(signature, b"text")


def test_a_new_key_signs_before_it_is_written_and_can_be_forgotten(tmp_path):
    keys = Keys([tmp_path / "keys"])
    made = keys.make("root")
    assert keys.signers().keys() == {made.keyid}
    assert not (tmp_path / "keys").exists()
    (file,) = keys.made()
    assert "PRIVATE" not in repr(file)
    keys.forget()
    assert (keys.made(), keys.signers()) == ([], {})


def test_a_passphrase(tmp_path):
    made = written(tmp_path, "ours", "secret")
    assert b"ENCRYPTED" in next(tmp_path.iterdir()).read_bytes()
    assert made.keyid in Keys([tmp_path], "secret").signers()
    for wrong in (None, "other"):
        keys = Keys([tmp_path], wrong)
        assert keys.signers() == {}
        assert "REVPROXY_FEED_PASSPHRASE" in keys.unread[0]


def private_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cannot be read"),
        (b"nonsense", "cannot be read"),
        (private_pem(generate_private_key(SECP256R1())), "no Ed25519 key"),
    ],
)
def test_what_is_no_key_does_not_hide_those_that_are(tmp_path, data, why):
    made = written(tmp_path, "ours")
    (tmp_path / "a.pem").write_bytes(data)
    keys = Keys([tmp_path])
    assert keys.signers().keys() == {made.keyid}
    (said,) = keys.unread
    assert said.startswith(str(tmp_path / "a.pem"))
    assert why in said
    assert "PASSPHRASE" not in said


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    keys = Keys([tmp_path / "file"])
    keys.make("root")
    with pytest.raises(ConfigError, match="cannot be written"):
        keys.made()


def test_public_keys(tmp_path):
    key = written(tmp_path / "keys", "ours")
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
