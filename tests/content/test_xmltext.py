"""XML bodies."""

from __future__ import annotations

import time
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.content.xmltext import XmlReader, read_xml_leniently
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits

XML = b"application/xml"

TAKEN = [
    (b"<a/>", [], []),
    (b"<a>x</a>", [b"x"], []),
    (b"<a b='1' c=\"2\">x</a>", [b"x"], [b"1", b"2"]),
    (b"<a>  \n <b>x</b> </a>", [b"x"], []),
    (b"<a>&lt;script&#62;</a>", [b"<script>"], []),
    (b"<a><![CDATA[<scr]]>ipt&gt;</a>", [b"<script>"], []),
    (b"<a>un<!--c-->ion</a>", [b"c", b"union"], []),
    (b"<a>un<b/>ion</a>", [b"union", b"un", b"ion"], []),
    (b"<a><?php echo 1?></a>", [b"php echo 1"], []),
    (b"<?xml version='1.0' encoding='UTF-8'?><a>\xc3\xa9</a>", [b"\xc3\xa9"], []),
    (b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>", [b"\xc3\xa9"], []),
    (b"\xef\xbb\xbf<a>x</a>", [b"x"], []),
    (b"<s:E xmlns:s='urn:x'><s:B s:a='1'>x</s:B></s:E>", [b"x"], [b"urn:x", b"1"]),
    (b"<!-- first --><a/><!-- last -->", [b" first ", b" last "], []),
    ("<a b='\xe9'>\u20ac</a>".encode("utf-16"), [b"\xe2\x82\xac"], [b"\xc3\xa9"]),
    ("<a>\u20ac</a>".encode("utf-16-le"), [b"\xe2\x82\xac"], []),
    ("<a>\u20ac</a>".encode("utf-16-be"), [b"\xe2\x82\xac"], []),
    ("<?xml version='1.0' encoding='UTF-16'?><a>x</a>".encode("utf-16"), [b"x"], []),
    (b"<?xml version='1.0' encoding='Windows-1252'?><a>\x80</a>", [b"\xe2\x82\xac"], []),
    (b"<?xml version='1.0' encoding='ISO-8859-15'?><a>\xa4</a>", [b"\xe2\x82\xac"], []),
    (b"<?xml version='1.0' encoding='KOI8-R'?><a>\xc1</a>", [b"\xd0\xb0"], []),
]
REFUSED = [
    (b" ", "xml_syntax"),
    (b"<a>", "xml_syntax"),
    (b"<a></b>", "xml_syntax"),
    (b"<a/><b/>", "xml_syntax"),
    (b"<a/>x", "xml_syntax"),
    (b"<a>]]></a>", "xml_syntax"),
    (b"<a>x]</BOOK>", "xml_syntax"),
    (b"<a b=1/>", "xml_syntax"),
    (b"<a b='1' b='2'/>", "xml_syntax"),
    (b"<a>&nbsp;</a>", "xml_syntax"),
    (b"<a>\xff</a>", "xml_syntax"),
    (b"<a>\x00</a>", "xml_encoding"),
    (b"<a>&#0;</a>", "xml_syntax"),
    (b"<!DOCTYPE a><a/>", "xml_doctype"),
    (b"<!DOCTYPE a SYSTEM 'http://x/'><a/>", "xml_doctype"),
    (b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "xml_doctype"),
    (b"<!DOCTYPE a [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><a>&b;</a>", "xml_doctype"),
    ("<a/>".encode("utf-32"), "xml_encoding"),
    (b"<?xml version='1.0' encoding='utf-16'?><a/>", "xml_encoding"),
    (b"<?xml version='1.0' encoding='utf-7'?><a/>", "xml_encoding"),
    (b"<?xml version='1.0' encoding='cp037'?><a/>", "xml_encoding"),
    (b"<?xml version='1.0' encoding='windows-12521'?><a/>", "xml_encoding"),
    ("<?xml version='1.0' encoding='windows-1252'?><a/>".encode("utf-16"), "xml_encoding"),
    ("<a/>".encode("utf-32-le"), "xml_encoding"),
]


@pytest.mark.parametrize(("body", "texts", "attributes"), TAKEN)
def test_texts_and_attributes_are_told(read, body: bytes, texts: list[bytes], attributes: list[bytes]) -> None:
    got = read(XML, body)
    assert [t for (t,) in got.of("xml_text")] == texts
    assert [a for (a,) in got.of("xml_attribute", "xml_namespace")] == attributes


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        (b"<a/>", b""),
        (b"<a>  \n <b>x</b> </a>", b"  \n x "),
        (b"<a>1<!--c-->2<?p q?><b>3</b><![CDATA[&]]></a><!--d-->", b"123&"),
    ],
)
def test_the_text_of_all_elements_is_told_once(read, body: bytes, whole: bytes) -> None:
    assert read(XML, body).told[-1] == ("xml_whole", whole)


def test_namespaces_are_told_apart(read) -> None:
    got = read(XML, b"<s:E xmlns:s='urn:x' xmlns='urn:y' xmlnsa='1' s:a='2'/>")
    assert (got.of("xml_namespace"), got.of("xml_attribute")) == ([(b"urn:x",), (b"urn:y",)], [(b"1",), (b"2",)])


@pytest.mark.parametrize(("body", "reason"), REFUSED)
def test_refused(read, body: bytes, reason: str) -> None:
    with pytest.raises(ContentError) as caught:
        read(XML, body)
    assert caught.value.reason in (reason, "xml_syntax" if reason == "xml_encoding" else reason)


@pytest.mark.parametrize(
    "typed", [b"<!DOCTYPE a>", b"<!DOCTYPE a SYSTEM 'http://x/'>", b"<!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]>"]
)
def test_what_stands_behind_a_document_type_is_told(recorder, typed: bytes) -> None:
    sink = recorder()
    with pytest.raises(ContentError, match="xml_doctype"):
        XmlReader(ContentLimits(), sink).read(typed + b"<a>x</a>")
    assert (b"x",) in sink.of("xml_text")


def test_limits(read, recorder) -> None:
    with pytest.raises(LimitError, match="xml_depth"):
        read(XML, b"<a>" * 10, ContentLimits(xml_depth=9))
    read(XML, b"<a>" * 9 + b"</a>" * 9, ContentLimits(xml_depth=9))
    for many in (b"<b/>" * 10, b"<b c='1' d='2'/>" * 4, b"<!--x-->" * 10, b"<?x y?>" * 10):
        with pytest.raises(LimitError, match="xml_nodes"):
            read(XML, b"<a>" + many + b"</a>", ContentLimits(xml_nodes=9))
    for long in (b"<a>xxxx</a>", b"<a b='xxxx'/>", b"<!--xxxx--><a/>"):
        with pytest.raises(LimitError, match="argument_bytes"):
            read(XML, long, ContentLimits(argument_bytes=3))


def test_what_was_found_before_an_error_is_told(recorder) -> None:
    sink = recorder()
    read_xml_leniently(b"<a b='1'><c>x</c><d", ContentLimits(), sink)
    assert sink.told == [("xml_attribute", b"1"), ("xml_text", b"x"), ("xml_whole", b"x")]


@pytest.mark.parametrize(
    "unit",
    [
        b"<a>",
        b"<a/>",
        b"x<b/>",
        b"&lt;",
        b"<!--",
        b"<!---->",
        b"<![CDATA[",
        b"<![CDATA[]]>",
        b"]",
        b"<a b='",
        b" a='1'",
        b"&#x41;",
        b"<?x?>",
        b"\xc3\xa9",
    ],
)
def test_two_megabytes_of_anything_take_no_time(read, unit: bytes) -> None:
    body = b"<r>" + unit * (2_000_000 // len(unit))
    before = time.process_time()
    with pytest.raises((ContentError, LimitError)):
        read(XML, body)
    assert time.process_time() - before < 1.0


@given(body=st.one_of(st.binary(max_size=60), st.text("<>/ab='\"&;![]-?#x1 ", max_size=60).map(str.encode)))
def test_parses_or_refuses(read, body: bytes) -> None:
    try:
        read(XML, body)
    except (ContentError, LimitError):
        pass


PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_characters="\x7f"), max_size=20)


@given(text=PLAIN, value=PLAIN)
def test_written_and_read_again(read, text: str, value: str) -> None:
    got = read(XML, f"<a b={quoteattr(value)}>{escape(text)}</a>".encode())
    assert got.of("xml_attribute") == [(value.encode(),)]
    assert got.of("xml_text") == ([(text.encode(),)] if text.strip(" ") else [])
