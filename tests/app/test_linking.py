"""The same rules and the same words, whether they were kept or not."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from revproxy.app import linking, rules
from revproxy.app.linking import kept_rules, linked_rules
from revproxy.config import Exclusion, Inspection, Settings
from revproxy.errors import LocatedError, ManyErrors

Make = Callable[..., Settings]


@pytest.fixture
def both(settings: Make, tmp_path: Path) -> Settings:
    """Signatures for mail, and SecLang with an include and a file of words."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.conf").write_text("Include more/*.inc\n")
    (tmp_path / "rules" / "more").mkdir()
    (tmp_path / "rules" / "more" / "b.inc").write_text(
        'SecAction "id:6,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:tx.blocking_paranoia_level=1"\n'
        'SecRule ARGS "@pmFromFile words.data" "id:7,phase:2,deny"\n'
    )
    (tmp_path / "rules" / "more" / "words.data").write_text("straw\n")
    kept = settings().inspection.signatures
    inspection = Inspection(kept, signatures_for=("mail",), rules=(str(tmp_path / "rules"),), paranoia=1)
    return settings(inspection=inspection)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each time that rules were really made."""
    times: list[int] = []
    real = rules.link_all

    def counted(*arguments: Any) -> object:
        times.append(1)
        return real(*arguments)

    monkeypatch.setattr(rules, "link_all", counted)
    return times


def test_a_second_time_they_are_found(both: Settings, made: list[int]) -> None:
    first, again = linked_rules(both), linked_rules(both)
    assert len(made) == 1
    assert again == first
    assert len(first.notices) == 1
    assert first.rules.databases() == again.rules.databases()


def test_they_are_linked_onto_others_until_they_are_wanted_whole(
    both: Settings, made: list[int], tmp_path: Path
) -> None:
    first = linked_rules(both).rules
    assert kept_rules(both) == first
    (tmp_path / "rules" / "b.conf").write_text('SecRule ARGS "@rx c[0-9]" "id:8,phase:2,deny"\n')
    assert kept_rules(both) is None
    patched = linked_rules(both, before=lambda: first).rules
    assert (patched.patched, len(patched.rules)) == (True, len(first.rules) + 1)
    assert linked_rules(both).rules == patched
    whole = linked_rules(both, whole=True).rules
    assert (whole.patched, whole.name, len(made)) == (False, patched.name, 3)
    assert linked_rules(both).rules == linked_rules(both, whole=True).rules == whole
    assert len(made) == 3


def test_nothing_is_kept_of_settings_that_are_wrong(both: Settings) -> None:
    assert kept_rules(replace(both, inspection=replace(both.inspection, rules=("feed:none",)))) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("more/words.data", "hayss\n"),
        ("more/b.inc", 'SecRule ARGS "@rx b" "id:7,phase:2,deny"\n'),
        ("more/c.inc", 'SecRule ARGS "@rx c" "id:8,phase:2,deny"\n'),
        ("b.conf", 'SecRule ARGS "@rx c" "id:8,phase:2,deny"\n'),
    ],
)
def test_a_change_anywhere_is_noticed(both: Settings, made: list[int], name: str, text: str, tmp_path: Path) -> None:
    first = linked_rules(both).rules
    file = tmp_path / "rules" / name
    before = file.stat() if file.exists() else None
    file.write_text(text)
    if before is not None:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert linked_rules(both).rules.name != first.name
    assert len(made) == 2


@pytest.mark.parametrize(
    "change", [{"paranoia": 2}, {"signatures_for": ()}, {"rules": ()}, {"disabled": ("one",)}, {"signatures": ()}]
)
def test_another_wish_is_another_set(both: Settings, made: list[int], change: dict[str, Any]) -> None:
    linked_rules(both)
    linked_rules(replace(both, inspection=replace(both.inspection, **change)))
    assert len(made) == 2


def test_other_exclusions_are_another_set(both: Settings, made: list[int]) -> None:
    left_out = (Exclusion(("7",), path="/a"),)
    first = linked_rules(both)
    route = replace(both.routes[0], exclusions=left_out)
    for other in (
        replace(both, routes=(route,)),
        replace(both, inspection=replace(both.inspection, exclusions=left_out)),
    ):
        made_now, found = linked_rules(other), linked_rules(other)
        assert made_now.excluded.text() == found.excluded.text() != first.excluded.text()
        assert made_now.rules == found.rules
    assert len(made) == 3


def test_what_has_nothing_to_do_with_it_is_no_change(both: Settings, made: list[int]) -> None:
    linked_rules(both)
    linked_rules(replace(both, workers=7, inspection=replace(both.inspection, inbound_threshold=99)))
    assert len(made) == 1


def test_another_program_is_another_set(both: Settings, made: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    linked_rules(both)
    monkeypatch.setattr(linking, "surroundings", lambda: "another")
    linked_rules(both)
    assert len(made) == 2


def said(settings: Settings) -> str:
    with pytest.raises((LocatedError, ManyErrors)) as caught:
        linked_rules(settings)
    return str(caught.value)


def test_errors_are_never_kept(both: Settings, made: list[int], tmp_path: Path) -> None:
    good = linked_rules(both)
    file = tmp_path / "rules" / "more" / "b.inc"
    before = file.read_text()
    file.write_text('SecRule ARGS "@rx (" "id:7,phase:2,deny"\n')
    first = said(both)
    assert said(both) == first
    assert "b.inc:1:" in first
    file.write_text(before)
    assert linked_rules(both) == good
    assert len(made) == 1


def test_a_path_that_is_wrong_is_told_by_the_readers(both: Settings, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    none = (str(tmp_path / "none"),)
    for inspection in (replace(both.inspection, rules=none), replace(both.inspection, signatures=none)):
        assert "in this folder" in said(replace(both, inspection=inspection))


def test_nothing_is_kept_of_files_that_come_and_go(both: Settings, made: list[int]) -> None:
    linked_rules(both, keep=False)
    assert not list(Path(both.cache).glob("rules-*"))
    linked_rules(both)
    linked_rules(both, keep=False)
    assert len(made) == 3


def test_files_that_came_while_they_were_read_are_not_taken_for_read(
    both: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rules.link_all

    def slow(*arguments: Any) -> object:
        linked = real(*arguments)
        (tmp_path / "rules" / "z.conf").write_text('SecRule ARGS "@rx z" "id:9,phase:2,deny"\n')
        return linked

    monkeypatch.setattr(rules, "link_all", slow)
    linked_rules(both)
    assert not list(Path(both.cache).glob("rules-*"))


def test_a_damaged_file_is_made_again(both: Settings, made: list[int]) -> None:
    first = linked_rules(both)
    (file,) = Path(both.cache).glob("rules-*")
    file.write_bytes(file.read_bytes()[:100])
    assert linked_rules(both) == first
    assert linked_rules(both) == first
    assert len(made) == 2


def test_no_language_is_read_when_they_are_found(both: Settings) -> None:
    """What reads rules is not even imported: it takes longer than everything else."""
    linked_rules(both)
    code = (
        "import pickle, sys\n"
        "from revproxy.app.linking import linked_rules\n"
        "assert linked_rules(pickle.load(sys.stdin.buffer)).rules.rules\n"
        "found = [n for n in sys.modules if n.startswith(('revproxy.detection.se', 'revproxy.detection.si'))]\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", code], input=pickle.dumps(both), check=True)
