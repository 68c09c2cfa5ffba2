from revproxy.detection.engine.state import Accepted, State, named


def test_named():
    assert named(Accepted("headers", b"host", b"", None)) == b"REQUEST_HEADERS:host"
    assert named(Accepted("method", b"", b"", None)) == b"REQUEST_METHOD"
    assert named(Accepted("tx", b"score", b"", None)) == b"TX:score"
    assert named(Accepted("subject", b"", b"", None)) == b"subject"


def test_a_state_is_a_copy():
    begin = {b"a": b"1"}
    state = State(begin)
    state.variables[b"a"] = b"2"
    assert begin == {b"a": b"1"}
    assert not state.touched
