"""The loader: what is sound loads, what is wrong is named with its place, and nothing else is ever raised."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.sigyaml import fields_of, load_all, load_signatures
from revproxy.errors import ManyErrors, RuleError
from revproxy.model import Action, Protocol, Severity

SOUND = """signatures:
  - id: a-test
    name: A test
    why: because
    references: [CWE-89]
    protocols: [http]
    fields: [args]
    transformations: [lowercase]
    match:
      any:
        - rx: 'ab+c'
    severity: critical
    samples:
      match:
        - args: {q: abbc}
      pass:
        - args: {q: x}
"""
DATA = Path(__file__).parents[2] / "data/sigyaml"
ERRORS = yaml.safe_load((DATA / "errors.yaml").read_text())
PIECES = st.sampled_from(
    [*SOUND.splitlines(keepends=True), "- ", "{", "}", "[", "]", ":", "'", '"', "&a ", "*a", "!!x "]
)


def test_a_sound_signature():
    [signature] = load_signatures(SOUND, "a.yaml")
    assert signature.id == "a-test"
    assert signature.protocols == {Protocol.HTTP}
    assert signature.severity is Severity.CRITICAL
    assert signature.action is Action.ALLOW
    assert signature.matching[0].fields == (("args", ((b"q", b"abbc"),)),)
    assert str(signature.origin) == "a.yaml:2:5"
    assert fields_of(signature) == ("args",)


@pytest.mark.parametrize("case", ERRORS, ids=[c["what"] for c in ERRORS])
def test_error(case):
    old, new = case["swap"]
    assert SOUND.count(old) == 1
    with pytest.raises(RuleError) as caught:
        load_signatures(SOUND.replace(old, new), "a.yaml")
    error = caught.value
    assert case["says"] in error.message
    assert error.where.file == "a.yaml"
    assert error.where.line == case.get("line", error.where.line)
    assert error.where.column == case.get("column", error.where.column)
    assert case.get("hint", "") in error.hint


def test_several_errors_at_once():
    text = SOUND.replace("[args]", "[arg]").replace("[lowercase]", "[upper]").replace("critical", "high")
    with pytest.raises(ManyErrors) as caught:
        load_signatures(text, "a.yaml")
    assert [e.where.line for e in caught.value.errors] == [7, 8, 12]


def test_the_caret_stands_under_the_fault():
    with pytest.raises(RuleError) as caught:
        load_signatures(SOUND.replace("'ab+c'", "'a(?!b)'"), "a.yaml")
    _, source, caret, *_ = str(caught.value).splitlines()
    assert source[caret.index("^") :].startswith("(?!b)")


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "signatures", "[]", "other: []", "signatures: 5", "\0", "\ud800"]
)
def test_no_file_of_signatures(text):
    with pytest.raises((RuleError, ManyErrors)):
        load_signatures(text, "a.yaml")


def test_an_id_stands_once_in_a_file():
    with pytest.raises(RuleError, match="taken"):
        load_signatures(SOUND + SOUND.partition("\n")[2], "a.yaml")


def test_an_id_stands_once_in_all_files():
    with pytest.raises(RuleError, match=r"it stands in a\.yaml:2:5 already"):
        load_all([("a.yaml", SOUND), ("b.yaml", SOUND)])


def test_errors_of_all_files_are_told():
    bad = SOUND.replace("critical", "high")
    with pytest.raises(ManyErrors) as caught:
        load_all([("a.yaml", bad), ("b.yaml", bad)])
    assert [e.where.file for e in caught.value.errors] == ["a.yaml", "b.yaml"]


def test_an_alias_bomb_is_refused_at_once():
    bomb = "a: &a [x,x]\n" + "".join(f"a{i}: &a{i} [*a, *a, *a, *a]\n" for i in range(99))
    with pytest.raises(RuleError, match="anchors"):
        load_signatures(bomb, "a.yaml")


def test_deep_nesting_is_refused_at_once():
    with pytest.raises(RuleError, match="nested deeper"):
        load_signatures("[" * 100_000, "a.yaml")


def _loads_or_tells(text):
    """Any other exception fails the test."""
    told = []
    try:
        load_signatures(text, "a.yaml")
    except RuleError as error:
        told = [error]
    except ManyErrors as errors:
        told = errors.errors
    assert all(isinstance(e, RuleError) and str(e) for e in told)


@given(st.text(max_size=200))
def test_any_text(text):
    _loads_or_tells(text)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_pieces(text):
    _loads_or_tells(text)


@given(st.integers(0, len(SOUND)), st.integers(0, 20), st.text(max_size=8))
def test_any_edit(start, length, put):
    _loads_or_tells(SOUND[:start] + put + SOUND[start + length :])
