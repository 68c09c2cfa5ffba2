from revproxy.detection.engine.controls import controlled
from revproxy.detection.rules import Control
from revproxy.model import UNTOUCHED, Controls


def test_controlled():
    assert controlled(UNTOUCHED, {Control.ENGINE: "detect"}) is UNTOUCHED
    asked = {Control.BODY_PROCESSOR: "JSON", Control.FORCE_BODY: "on", Control.REPLY_BODY_ACCESS: "off"}
    assert controlled(UNTOUCHED, asked) == Controls("JSON", True, True, False)
    assert controlled(Controls(body_access=False), {Control.BODY_ACCESS: "on"}) == UNTOUCHED
