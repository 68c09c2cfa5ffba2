import pytest

from revproxy.detection.sigyaml.document import ERRORS, Document, kind, near


def test_near():
    assert near("lowercas", ["lowercase", "length"]) == "did you mean `lowercase`?"
    assert near("LOWERCASE", ["lowercase"]) == "did you mean `lowercase`?"
    assert near("zzz", ["lowercase"]) == ""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a", "text"),
        ("5", "a whole number"),
        ("[]", "a list"),
        ("{}", "a mapping"),
        ("''", "an empty text"),
        ("~", "nothing"),
    ],
)
def test_kind(text, word):
    assert kind(Document(text, "x").root) == word


def test_errors_are_counted_up_to_a_limit():
    document = Document("a", "x")
    for _ in range(ERRORS + 5):
        document.wrong(document.root, "no")
    assert len(document.errors) == ERRORS


def test_offset_only_where_the_value_stands_as_written():
    document = Document("a: 'b''c'\nd: ef", "x")
    (_, quoted), (_, plain) = document.mapping(document.root, "x").values()
    document.wrong(quoted, "no", offset=2)
    document.wrong(plain, "no", offset=1)
    assert [e.where.column for e in document.errors] == [4, 5]


def test_a_document_without_errors_passes():
    Document("a", "x").check()
