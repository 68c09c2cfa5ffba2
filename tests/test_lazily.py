"""Names that are loaded when they are asked for, in every package that does so."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest

from revproxy.lazily import loader

PACKAGES = ["config", "detection.link", "detection.operators", "inspection", "runtime"]


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(f"revproxy.{request.param}")


def test_every_name_is_there(package: ModuleType) -> None:
    for name in package.__all__:
        assert not isinstance(getattr(package, name), ModuleType), name


def test_no_other_name_is_there(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module {package.__name__!r} has no attribute 'nothing'"):
        _ = package.nothing


def test_a_name_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    package, place = ModuleType("shelf"), ModuleType("shelf.books")
    monkeypatch.setitem(sys.modules, "shelf", package)
    monkeypatch.setitem(sys.modules, "shelf.books", place)
    vars(place)["novel"] = first = object()
    load = loader("shelf", {"books": ("novel",)})
    assert load("novel") is first
    assert vars(package)["novel"] is first


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        ("app.broker", ["yaml", "revproxy.config.loading", "revproxy.detection"]),
        ("app.worker", ["yaml", "revproxy.config.loading", "revproxy.updates", "revproxy.proxy.smtp", "aiosmtpd"]),
        ("app.worker", ["revproxy.detection.link.linker", "revproxy.app.prepare", "aiohttp"]),
        ("app.service", ["revproxy.detection.engine", "revproxy.detection.operators.rx", "aiohttp", "tuf"]),
        ("app.service", ["revproxy.detection.link.linker", "revproxy.detection.seclang", "revproxy.proxy", "rich"]),
    ],
)
def test_a_process_loads_what_it_needs(program: str, absent: list[str]) -> None:
    code = f"import sys, revproxy.{program}; print(sorted(set(sys.modules) & set({absent!r})))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
