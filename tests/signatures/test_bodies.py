"""Attacks in bodies, cookies and names, as whole requests through the shipped signatures: however a body is declared,
whatever it breaks, what is in it is looked at."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import pytest

from revproxy.detection.link import link
from revproxy.detection.sigyaml import load_all, lower
from revproxy.inspection import Inspection, Policy, RuleInspector
from revproxy.inspection.sources import read_signature_files, shipped_signatures
from revproxy.model import Limits
from revproxy.proxy.http.offline import inspect_request

SQL = b"1' UNION SELECT password FROM users--"
SCRIPT = b"<script>alert(document.cookie)</script>"
ATTACKS = [SQL, SCRIPT]
FORM = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=bb"
END = b"--bb--\r\n"


@pytest.fixture(scope="module")
def inspection(compiled):
    signatures = load_all(read_signature_files([shipped_signatures()]))
    linked = link([lower(s) for s in signatures], compiled)
    return Inspection([RuleInspector(linked, 1 << 20)], "x", 5.0, wanted=linked.fields)


async def outcome(inspection, target=b"/", body=b"", *lines, enforces=True):
    head = [b"%b %b HTTP/1.1" % (b"POST" if body else b"GET", target), b"Host: h", *lines]
    raw = b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body])
    return await inspect_request(raw, inspection, Policy(enforces=enforces), Limits())


async def sent(inspection, content_type, body, enforces=True):
    typed = (b"Content-Type: " + content_type,) if content_type else ()
    return await outcome(inspection, b"/", body, *typed, enforces=enforces)


def rules(got):
    return {finding.rule for finding in got.findings}


def encoded(data, times=1):
    for _ in range(times):
        data = quote_plus(data).encode()
    return data


def escaped(data):
    return b"".join(b"\\u%04x" % byte for byte in data)


def part(value, disposition=b'form-data; name="a"', more=b""):
    return b"--bb\r\nContent-Disposition: " + disposition + more + b"\r\n\r\n" + value + b"\r\n"


BODIES = {
    "form": lambda a: b"a=" + a.replace(b" ", b"+"),
    "encoded form": lambda a: b"a=" + encoded(a),
    "json": lambda a: b'{"a":"' + a + b'"}',
    "escaped json": lambda a: b'{"a":"' + escaped(a) + b'"}',
    "xml": lambda a: b"<a>" + a.replace(b"<", b"&#60;") + b"</a>",
    "yaml": lambda a: b"a: " + a,
    "padded form": lambda a: b"a=" + b"x" * 300_000 + b"&b=" + a,
    "padded beyond what is read as structure": lambda a: b"a=" + b"x" * 3_000_000 + b"&b=" + a,
}
TYPES = [b"", b"text/plain", b"application/octet-stream", b"image/png", b"application/graphql", b"foo/bar", b"a/yaml"]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("body", BODIES)
async def test_no_declaration_makes_a_body_invisible(inspection, body, attack):
    for content_type in TYPES:
        got = await sent(inspection, content_type, BODIES[body](attack))
        assert got.status == 403, content_type


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("body", ["json", "escaped json", "xml"])
async def test_structure_declared_as_a_form_is_seen(inspection, body, attack):
    assert (await sent(inspection, FORM, BODIES[body](attack))).status == 403


BROKEN = [
    (b"application/json", b'{"b":1,"b":"%b"}'),
    (b"application/json", b'{"a":"%b",}'),
    (b"application/json", b'/* */{"a":"%b"}'),
    (b"application/json", b'{"b":NaN,"a":"%b"}'),
    (b"application/json", b'\xef\xbb\xbf{"a":"%b"}'),
    (b"application/json", b"{'a':\"%b\"}"),
    (b"application/json", b'{"a":"%b\xc1\xa1"}'),
    (b"text/xml", b"<a>%b</a>]</B>"),
    (MULTIPART + b"; boundary=cc", part(b"%b") + END),
    (b"multipart/form-data; boundary*0=b; boundary*1=b", part(b"%b") + END),
    (b"multipart/form-data", part(b"%b") + END),
    (MULTIPART, (part(b"%b") + END).replace(b"\r\n", b"\n")),
    (MULTIPART, b"%b\r\n" + part(b"x") + END),
    (MULTIPART, part(b"x") + END + b"%b"),
    (MULTIPART, part(b"%b")),
    (MULTIPART, part(b"--cc\r\n\r\n%b\r\n--cc--", more=b"\r\nContent-Type: multipart/mixed; boundary=cc") + END),
    (MULTIPART, part(b"%b", more=b"\x00") + END),
    (MULTIPART, part(b"%b", b"form-data; name=\"a\"; filename*=UTF-8''x.png") + END),
    (MULTIPART, part(b"%b", b'form-data; name="a"; filename="a"; filename="b"') + END),
    (MULTIPART, part(b"%b", more=b'\r\nContent-Disposition: form-data; name="b"') + END),
    (MULTIPART, part(b"%b", more=b"\r\nContent-Type: text/plain; charset=utf-7") + END),
    (MULTIPART, part(b"%b", b"form-data") + END),
]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(("content_type", "body"), BROKEN)
async def test_a_broken_body_is_refused_and_seen(inspection, content_type, body, attack):
    got = await sent(inspection, content_type, body.replace(b"%b", attack), enforces=False)
    assert {"body-broken", "sql-union-select" if attack is SQL else "xss-script-tag"} <= rules(got)


async def test_a_broken_body_without_an_attack_is_refused(inspection):
    for content_type, body in BROKEN:
        got = await sent(inspection, content_type, body.replace(b"%b", b"x"))
        assert (got.status, rules(got) - {"content-type-charset"}) == (403, {"body-broken"})


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_multipart_hides(inspection, attack):
    name = attack.replace(b'"', b"")
    for body in (
        part(attack, b'form-data; name="a"; filename=""'),
        part(b'{"a":"' + escaped(attack) + b'"}'),
        part(b"x", b'form-data; name="' + name + b'"; filename="x.txt"'),
        part(base64.b64encode(attack), more=b"\r\nContent-Transfer-Encoding: base64"),
    ):
        assert (await sent(inspection, MULTIPART, body + END)).status == 403


@pytest.mark.parametrize("attack", [*ATTACKS, b"cat$u /etc$u/passwd$u", b"x; cat /etc/hosts"])
async def test_text_and_attributes_of_xml_are_values(inspection, attack):
    text = attack.replace(b"<", b"&lt;")
    for body in (
        b"<a>" + text + b"</a>",
        b'<a b="' + text + b'"/>',
        b"<!-- " + attack.replace(b"--", b"") + b" --><a/>",
    ):
        assert (await sent(inspection, b"application/soap+xml", body)).status == 403


@pytest.mark.parametrize(
    "target",
    [
        b"/?a=" + encoded(SQL, 3),
        b"/?a=" + encoded(SCRIPT, 3),
        b"/?a=" + encoded(SQL, 4),
        b"/?a=" + encoded(b"cat$u+/etc$u/passwd$u"),
        b"/?a=1%27%a0union%a0select%a01",
        b"/?" + encoded(SQL) + b"=1",
        b"/?f=a.php%00.jpg",
    ],
)
async def test_targets(inspection, target):
    assert (await outcome(inspection, target)).status == 403


async def test_the_name_of_a_cookie_is_a_value(inspection):
    assert (await outcome(inspection, b"/", b"", b"Cookie: " + SQL + b"=1")).status == 403


CLEAN = [
    (b"text/plain", b"a=1&b=2"),
    (b"text/plain", b'{"level":"info","text":"it\'s done, select a plan"}'),
    (b"text/csv", b"name;price\nO'Brien;5\n"),
    (b"image/png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40),
    (b"application/yaml", b"a: 1\nb: [x, y]\n"),
    (b"application/graphql", b"query { user(id: 5) { name } }"),
    (b"application/json", b""),
    (FORM, b"a=[1,2]&b={x}"),
    (MULTIPART, part(b"", b'form-data; name="f"; filename=""', b"\r\nContent-Type: application/octet-stream") + END),
    (b"text/xml", b"<a b='c'>O'Brien &amp; sons</a>"),
]


@pytest.mark.parametrize(("content_type", "body"), CLEAN)
async def test_what_is_clean_passes(inspection, content_type, body):
    assert (await sent(inspection, content_type, body)).status is None
