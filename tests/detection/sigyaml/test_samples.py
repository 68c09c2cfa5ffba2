from revproxy.detection.sigyaml.samples import transaction
from revproxy.detection.sigyaml.tree import Sample
from revproxy.errors import Location
from revproxy.model import Protocol

HERE = Location("x")


def made(*fields):
    return transaction(Sample(Protocol.HTTP, fields, HERE)).fields


def test_keys_of_header_fields_are_lower_case():
    fields = made(("headers", ((b"User-Agent", b"X"),)), ("args", ((b"Q", b"1"), (b"Q", b"2"))))
    assert list(fields.keys("headers")) == [b"user-agent"]
    assert list(fields.keys("args")) == [b"Q", b"Q"]
    assert list(fields.values("args")) == [b"1", b"2"]


def test_query_and_body_arguments_are_arguments():
    fields = made(("args.get", ((b"a", b"1"),)), ("args.post", ((b"b", b"2"),)))
    assert list(fields.values("args")) == [b"1", b"2"]


def test_fields_without_keys():
    fields = made(("path", ((b"", b"/a"),)))
    assert list(fields.keys("path")) == []
    assert fields.first("path") == b"/a"
