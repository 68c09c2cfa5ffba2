from pathlib import Path

import pytest

from revproxy.config import Certificate, Log
from revproxy.config.reader import BAD, KEY, Reader, did_you_mean
from revproxy.config.tree import Tree
from revproxy.model import HttpLimits


@pytest.fixture
def reading(tmp_path):
    """A reader of a text, and the texts of the errors that it notes."""

    def make(text):
        path = tmp_path / "x.yaml"
        path.write_text(text)
        reader = Reader(Tree(path))
        return reader, reader.tree.root, reader.tree.errors

    return make


def test_a_dataclass(reading):
    reader, root, errors = reading("head_bytes: 64k\nhead_fields: 20")
    assert reader.make(HttpLimits, root, ("limits", "http")) == HttpLimits(head_bytes=65536, head_fields=20)
    assert errors == []
    assert reader.places[("limits", "http", "head_bytes")].value == "64k"
    assert reader.places[("limits", "http", "head_bytes", KEY)].value == "head_bytes"


def test_what_is_wrong_is_left_out_and_the_rest_is_read(reading):
    reader, root, errors = reading("head_bytes: x\nhead_fields: 20")
    assert reader.fields(HttpLimits, root, ()) == {"head_fields": 20}
    assert len(errors) == 1


def test_what_is_needed_and_wrong_is_one_error(reading):
    reader, root, errors = reading("certificate: none\nnames: [a, '*']")
    assert reader.make(Certificate, root, ("c", 0)) is BAD
    assert [e.message.split("/")[0] for e in errors] == ["there is no certificate ", "c[1] has no 'key'"]


def test_given_fields_cannot_be_set(reading):
    reader, root, errors = reading("to: stdout")
    reader.fields(Log, root, (), {"to": "none"})
    assert errors[0].message == "unknown setting 'to'"


def test_paths_are_relative_to_their_file(reading, tmp_path):
    (tmp_path / "c.pem").touch()
    reader, root, errors = reading("certificate: c.pem\nkey: " + str(tmp_path / "c.pem"))
    assert reader.make(Certificate, root, ()) == Certificate(str(tmp_path / "c.pem"), str(tmp_path / "c.pem"))
    assert errors == []
    assert Path(str(tmp_path)).is_absolute()


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("listners", "did you mean listeners?"),
        ("LISTENERS", "did you mean listeners?"),
        ("q", "known are: listeners"),
    ],
)
def test_hints(word, hint):
    assert did_you_mean(word, ["listeners"]) == hint


def test_no_hint_without_words():
    assert did_you_mean("a", []) == ""
