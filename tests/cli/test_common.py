from pathlib import Path

import click
import pytest

from revproxy.cli import common


def test_the_named_one_wins():
    assert common.find_config(Path("x.yaml")) == Path("x.yaml")


def test_the_first_place_that_has_one(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "PLACES", (tmp_path / "a.yaml", tmp_path / "b.yaml"))
    with pytest.raises(click.UsageError):
        common.find_config(None)
    (tmp_path / "b.yaml").touch()
    assert common.find_config(None) == tmp_path / "b.yaml"
    (tmp_path / "a.yaml").touch()
    assert common.find_config(None) == tmp_path / "a.yaml"
