"""Names: checked once, bounded memory, no aliases of fields that decide something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.protocols.http1.fields import TOKEN, field_names


@given(st.binary(max_size=80))
def test_a_name_is_a_token_in_lower_case_or_refused(name: bytes) -> None:
    names = field_names()
    is_token = bool(name) and all(byte in TOKEN for byte in name)
    for _ in range(2):
        try:
            lower = names[name]
        except ValueError as error:
            lower = str(error).encode()
        assert lower == (name.lower() if is_token else b"field-name") or (is_token and lower == b"forged-name")


@pytest.mark.parametrize(
    "name", [b"content_length", b"Transfer__Encoding", b"X-Forwarded_For", b"_content_type_", b"X--Real-IP"]
)
def test_aliases_of_deciding_fields_are_refused(name: bytes) -> None:
    with pytest.raises(ValueError, match="forged-name"):
        field_names()[name]


def test_invented_names_cost_no_memory_beyond_a_bound() -> None:
    names = field_names()
    for number in range(5000):
        assert names[b"X-%d" % number] == b"x-%d" % number
    assert names[b"X" * 1000] == b"x" * 1000
    assert len(names) <= 2048
    assert max(map(len, names)) <= 64
