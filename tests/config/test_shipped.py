"""The folder of the shipped signatures, in a source tree and after an installation."""

from pathlib import Path

import pytest

from revproxy.config import load, shipped
from revproxy.errors import ConfigError

SMALL = """
listeners: [{name: a, kind: http, bind: "127.0.0.1:0"}]
upstreams: {web: "127.0.0.1:1"}
routes: [{upstream: web}]
spool: .
cache: .
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The program as pip installs it: the package under lib, the signatures under share, both below sys.prefix."""
    package = tmp_path / "lib/python3.11/site-packages/revproxy/config"
    package.mkdir(parents=True)
    monkeypatch.setattr(shipped, "__file__", str(package / "shipped.py"))
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    return tmp_path


def test_in_the_source_tree():
    assert (shipped.shipped_signatures() / "sql.yaml").is_file()


def test_after_an_installation(installed):
    folder = installed / "share/revproxy/signatures"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("signatures: []")
    assert shipped.shipped_signatures() == folder
    (installed / "r.yaml").write_text(SMALL)
    assert load(installed / "r.yaml").settings.inspection.signatures == (str(folder),)


def test_none_is_an_error_that_tells_where_it_looked(installed, monkeypatch):
    monkeypatch.setattr(shipped, "places", lambda: (Path(installed / "a"), Path(installed / "b")))
    with pytest.raises(ConfigError, match="not installed") as caught:
        shipped.shipped_signatures()
    assert f"{installed}/b" in caught.value.hint


def test_none_is_no_error_where_they_are_not_asked_for(installed, monkeypatch):
    monkeypatch.setattr(shipped, "places", lambda: ())
    (installed / "own.yaml").write_text("signatures: []")
    (installed / "r.yaml").write_text(SMALL + "inspection: {signatures: [own.yaml]}\n")
    assert load(installed / "r.yaml").settings.inspection.signatures == (str(installed / "own.yaml"),)
