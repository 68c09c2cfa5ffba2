import pytest
from builders import BOTH, condition, rule, simple

from revproxy.detection.link.phases import phase_of
from revproxy.model import Phase, Protocol

HTTP, SMTP = Protocol


@pytest.mark.parametrize(
    ("field", "own", "protocol", "want"),
    [
        ("path", Phase.HEAD, HTTP, Phase.HEAD),
        ("path", Phase.BODY, HTTP, Phase.BODY),
        ("args", Phase.HEAD, HTTP, Phase.HEAD),
        ("args.plain.names", Phase.HEAD, HTTP, Phase.HEAD),
        ("args", Phase.BODY, HTTP, Phase.BODY),
        ("args.post", Phase.HEAD, HTTP, Phase.BODY),
        ("reply.body", Phase.HEAD, HTTP, Phase.REPLY_BODY),
        ("headers", Phase.HEAD, HTTP, Phase.HEAD),
        ("headers", Phase.HEAD, SMTP, Phase.BODY),
        ("headers.names", Phase.HEAD, SMTP, Phase.BODY),
        ("helo", Phase.HEAD, SMTP, Phase.HEAD),
    ],
)
def test_phase(field, own, protocol, want):
    assert phase_of(simple("r", "a", field, phase=own, protocols=BOTH), protocol) is want


def test_all_conditions_count():
    made = rule("r", condition(["path"], ("rx", "a")), condition(["status"], ("rx", "5")), phase=Phase.HEAD)
    assert phase_of(made, HTTP) is Phase.REPLY_HEAD
