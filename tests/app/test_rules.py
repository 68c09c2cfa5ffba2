"""Rules from files, linked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from revproxy.app.inputs import Witness
from revproxy.app.rules import link_all, linked, read_all, read_rules
from revproxy.config import Settings, nowhere
from revproxy.config.settings import Inspection
from revproxy.detection.link import unheard
from revproxy.errors import ConfigError, Location, ManyErrors

Make = Callable[..., Settings]


def test_disabled_signatures_are_left_out(settings: Make) -> None:
    made = settings()
    kept = Inspection(signatures=made.inspection.signatures, disabled=("one",))
    assert read_rules(settings(inspection=kept)) == []


def blame(message: str, place: tuple[str | int, ...], hint: str) -> ConfigError:
    return ConfigError(f"{place}: {message}", Location("r.yaml", 1, 1), hint=hint)


@pytest.mark.parametrize(("word", "hint"), [("onne", "did you mean one?"), ("xyz", "signatures list")])
def test_a_disabled_signature_that_is_not_there(settings: Make, word: str, hint: str) -> None:
    kept = settings().inspection.signatures
    with pytest.raises(ManyErrors, match=r"\('inspection', 'disabled', 1\): there is no signature") as caught:
        read_rules(settings(inspection=Inspection(signatures=kept, disabled=("one", word))), blame)
    assert hint in caught.value.errors[0].hint


def test_everything_that_is_read_has_a_witness(settings: Make, tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("Include more/*.conf\nSecAuditEngine On\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.conf").write_text('SecRule ARGS "@pmFromFile words.data" "id:7,phase:2,deny"\n')
    (tmp_path / "more" / "words.data").write_text("straw\n")
    signatures = settings().inspection.signatures
    witness = Witness()
    made = settings(inspection=Inspection(signatures=signatures, rules=(str(tmp_path / "a.conf"),)))
    linked = link_all(read_all(made, nowhere, witness), made.cache, unheard)
    assert [rule.id for rule in linked.rules.rules] == ["one", "7"]
    inputs = witness.inputs()
    names = {*signatures, *(str(tmp_path / name) for name in ("a.conf", "more/b.conf", "more/words.data"))}
    assert set(inputs.files) == names
    assert inputs.patterns == {str(tmp_path / "more/*.conf"): [str(tmp_path / "more/b.conf")]}
    assert inputs.hold()


def test_what_seclang_notes_is_told(settings: Make, tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text('SecAction "id:7,phase:1,pass,initcol:ip=%{REMOTE_ADDR}"\n')
    made = settings(inspection=Inspection((), rules=(str(tmp_path / "a.conf"),)))
    linked = link_all(read_all(made, nowhere, Witness()), made.cache, unheard)
    assert len(linked.notices) == 1
    assert linked.notices[0].startswith(f"{tmp_path}/a.conf:1:")


def test_rules_of_a_caller_are_linked_with_the_databases_of_a_folder(settings: Make) -> None:
    rules = read_rules(settings())
    cache = settings().cache
    first, again = linked(rules, cache), linked(rules, cache)
    assert first.databases() == again.databases() != {}
    assert first.name == again.name
