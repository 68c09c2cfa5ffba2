"""Settings where there is no configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from revproxy.app.unconfigured import cache_folder, offline_settings


def test_the_shipped_signatures_and_a_cache_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = offline_settings()
    assert (made.listeners, made.upstreams, made.cache) == ((), (), str(tmp_path / "revproxy"))
    assert Path(made.inspection.signatures[0]).is_dir()


def test_without_a_place_for_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    assert cache_folder() == "/home/ada/.cache/revproxy"
