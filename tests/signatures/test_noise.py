"""Bytes that mean nothing, through the shipped signatures: files, keys and passwords are full of short strings
that look like something, and must not be refused for one of them. Every case is made from a seed of its own."""

from __future__ import annotations

import base64
import random
from urllib.parse import quote

import pytest

from revproxy.detection.link import link
from revproxy.detection.sigyaml import load_all, lower
from revproxy.inspection import Inspection, Policy, RuleInspector
from revproxy.inspection.sources import read_signature_files, shipped_signatures
from revproxy.model import Limits
from revproxy.proxy.http.offline import inspect_request

PRINTABLE = bytes(range(33, 127))


@pytest.fixture(scope="module")
def inspection(compiled):
    signatures = load_all(read_signature_files([shipped_signatures()]))
    linked = link([lower(s) for s in signatures], compiled)
    return Inspection([RuleInspector(linked, 1 << 20)], "x", 5.0, wanted=linked.fields)


async def refused(inspection, content_type, body):
    """The rules that refused a request with this body; none when it goes on."""
    head = [b"POST / HTTP/1.1", b"Host: h", b"Content-Type: " + content_type, b"Content-Length: %d" % len(body)]
    raw = b"\r\n".join([*head, b"", body])
    got = await inspect_request(raw, inspection, Policy(), Limits())
    return {finding.rule for finding in got.findings} if got.verdict.action.name != "ALLOW" else set()


def file_part(content):
    disposition = b'Content-Disposition: form-data; name="f"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return b"--bb\r\n" + disposition + content + b"\r\n--bb--\r\n"


FORMS = {
    b"application/octet-stream": lambda noise: noise,
    b"image/jpeg": lambda noise: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + noise,
    b"multipart/form-data; boundary=bb": file_part,
    b"text/plain": base64.b64encode,
}


@pytest.mark.parametrize("content_type", FORMS, ids=bytes.decode)
async def test_a_file_of_noise_goes_on(inspection, content_type):
    for seed in range(12):
        noise = random.Random(seed).randbytes(1_000_000)
        assert await refused(inspection, content_type, FORMS[content_type](noise)) == set(), seed


# Where a character after another was enough for a signature once, with what is enough no more.
SHORT = [b"${-a", b"${j,", b";w", b";W&", b"|Id;", b"<?", b"ab<%@", b"x<?==p", b"D?!|ZL#;`;", b'a"]/x', b"od?${#ga4"]


@pytest.mark.parametrize("short", SHORT, ids=bytes.decode)
async def test_a_short_string_among_others_is_nothing(inspection, short):
    value = quote(b"Kq7" + short, safe="").encode()
    assert await refused(inspection, b"application/x-www-form-urlencoded", b"user=anna&password=" + value) == set()


def password(seed):
    chosen = random.Random(seed)
    return bytes(chosen.choice(PRINTABLE) for _ in range(chosen.randint(8, 40)))


async def test_few_random_passwords_are_refused(inspection):
    # Quotes and brackets at random do make SQL now and then: of 20,000, 23 were refused when this was written.
    given = [quote(password(seed), safe="").encode() for seed in range(3_000)]
    bodies = [b"user=anna&password=" + value for value in given]
    kind = b"application/x-www-form-urlencoded"
    rules = [found for body in bodies if (found := await refused(inspection, kind, body))]
    assert len(rules) <= 6, rules
