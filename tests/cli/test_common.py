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


def test_an_address():
    option = click.Option(["--at"])
    assert common.address_option(click.Context(click.Command("x")), option, None) is None
    made = common.address_option(click.Context(click.Command("x")), option, "[::1]:80")
    assert (made.host, made.port) == ("::1", 80)
    with pytest.raises(click.BadParameter, match="not HOST:PORT"):
        common.address_option(click.Context(click.Command("x")), option, "here")
