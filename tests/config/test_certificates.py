from datetime import UTC, datetime, timedelta

import pytest
import trustme

from revproxy import config
from revproxy.config.certificates import examine, examine_ca
from revproxy.errors import ManyErrors

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with a CA, two certificates with their keys, one that has expired, and files that are neither."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    for name, last in (("one", NOW + timedelta(days=400)), ("two", None), ("old", NOW - timedelta(days=2))):
        made = ca.issue_cert("www.example.org", not_after=last)
        for part in made.cert_chain_pems:
            part.write_to_path(folder / f"{name}.pem", append=True)
        made.private_key_pem.write_to_path(folder / f"{name}.key")
    (folder / "empty").touch()
    (folder / "text").write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    return folder


def test_a_good_pair(files):
    report = examine(str(files / "one.pem"), str(files / "one.key"), NOW)
    assert report.certificate == report.key == report.notice == ""


@pytest.mark.parametrize(
    ("certificate", "key", "field", "text"),
    [
        ("one.pem", "two.key", "key", "is not the key of"),
        ("one.pem", "empty", "key", "holds no PEM private key"),
        ("one.pem", "one.pem", "key", "holds no PEM private key"),
        ("one.pem", "none", "key", "cannot be read"),
        ("none", "one.key", "certificate", "cannot be read"),
        ("empty", "one.key", "certificate", "holds no PEM certificate"),
        ("text", "one.key", "certificate", "holds no PEM certificate"),
        ("old.pem", "old.key", "notice", "has expired on"),
    ],
)
def test_what_does_not_fit(files, certificate, key, field, text):
    assert text in getattr(examine(str(files / certificate), str(files / key), NOW), field)


def test_dates(files):
    pair = str(files / "one.pem"), str(files / "one.key")
    assert "expires on" in examine(*pair, NOW + timedelta(days=390)).notice
    assert "not valid before" in examine(*pair, datetime(1990, 1, 1, tzinfo=UTC)).notice


def test_ca_files(files):
    assert examine_ca(str(files / "ca.pem")) == ""
    assert "no PEM certificate" in examine_ca(str(files / "empty"))
    assert "cannot be read" in examine_ca(str(files / "none"))


def configuration(files, certificate, key, ca="ca.pem"):
    path = files / "revproxy.yaml"
    path.write_text(
        "listeners:\n"
        "  - name: web\n"
        "    kind: http\n"
        "    bind: 127.0.0.1:443\n"
        f"    tls: {{certificates: [{{certificate: {certificate}, key: {key}}}]}}\n"
        f"upstreams: {{app: {{address: 'h:443', tls: {{ca: {ca}}}}}}}\n"
    )
    return path


def test_a_configuration_with_a_pair(files):
    loaded = config.load(configuration(files, "one.pem", "one.key"))
    assert loaded.settings.listeners[0].tls.certificates[0].key == str(files / "one.key")
    assert loaded.settings.upstreams[0].tls.ca == str(files / "ca.pem")


def test_an_expired_one_is_a_notice(files):
    loaded = config.load(configuration(files, "old.pem", "old.key"))
    assert any("has expired" in str(n) and ":5:40:" in str(n) for n in loaded.notices)


@pytest.mark.parametrize(
    ("certificate", "key", "ca", "line", "text"),
    [("one.pem", "two.key", "ca.pem", 5, "is not the key"), ("one.pem", "one.key", "empty", 6, "no PEM certificate")],
)
def test_errors_are_at_their_place(files, certificate, key, ca, line, text):
    with pytest.raises(ManyErrors, match=text) as caught:
        config.load(configuration(files, certificate, key, ca))
    assert [e.where.line for e in caught.value.errors] == [line]
