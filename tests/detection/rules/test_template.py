from revproxy.detection.rules import Reference, constant


def test_constant():
    assert constant(()) == b""
    assert constant((b"a", b"b")) == b"ab"
    assert constant((b"a", Reference("tx", b"x"))) is None
