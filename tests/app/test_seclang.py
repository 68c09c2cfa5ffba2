import pytest

from revproxy.app.seclang import NO_SECLANG, read_seclang
from revproxy.detection.rules import Marker
from revproxy.errors import RuleError

LEVELS = """
SecRule &TX:blocking_paranoia_level "@eq 0" "id:1,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=1"
SecRule TX:BLOCKING_PARANOIA_LEVEL "@lt 2" "id:2,phase:2,pass,nolog,skipAfter:END"
SecRule ARGS "@rx attack" "id:3,phase:2,deny,msg:'x'"
SecMarker END
SecRule ARGS "@rx other" "id:4,phase:2,deny,msg:'x'"
"""


@pytest.fixture
def crs(tmp_path):
    """A folder with the layout of a release."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "B.conf").write_text(LEVELS)
    (tmp_path / "rules" / "A.conf").write_text("# nothing\n")
    (tmp_path / "rules" / "X.conf.example").write_text("not read")
    (tmp_path / "crs-setup.conf.example").write_text("# setup\n")
    return tmp_path


def ids(read):
    return [rule.id for rule in read.rules if not isinstance(rule, Marker)]


def test_levels(crs):
    assert ids(read_seclang([str(crs)])) == ["4"]
    assert ids(read_seclang([str(crs)], 2)) == ["3", "4"]
    assert dict(read_seclang([str(crs)]).removed)["3"] == "skipped by 2"
    assert read_seclang([]) is NO_SECLANG


@pytest.mark.parametrize(
    ("engine", "rules", "detects"), [("On", 1, False), ("DetectionOnly", 1, True), ("Off", 0, False)]
)
def test_engine(crs, engine, rules, detects):
    (crs / "crs-setup.conf").write_text(f"SecRuleEngine {engine}\n")
    read = read_seclang([str(crs)])
    assert (len(ids(read)), read.detects) == (rules, detects)
    said = [str(notice.where) for notice in read.notices if "none of these rules" in notice.message]
    assert said == [str(crs / "crs-setup.conf") + ":1:1"] * (engine == "Off")


def test_a_file_without_anything_is_noted(crs):
    (crs / "rules" / "C.conf").write_bytes(b"")
    found = {str(notice.where): notice.message for notice in read_seclang([str(crs)]).notices}
    names = ("crs-setup.conf.example", "rules/A.conf", "rules/C.conf")
    assert found == {str(crs / name): "there is nothing in this file" for name in names}


def test_what_cannot_be_read_or_enforced_has_a_place(crs):
    with pytest.raises(RuleError, match="cannot be read"):
        read_seclang([str(crs / "missing.conf")])
    (crs / "rules" / "A.conf").write_text('SecRule ARGS "@rx a" "id:9,chain"\n')
    with pytest.raises(RuleError) as caught:
        read_seclang([str(crs)])
    assert caught.value.where.line == 1
