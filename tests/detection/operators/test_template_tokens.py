"""The tokenizer of templates: code that leaves a template is told from names that are filled in; time is linear."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.operators.template_tokens import is_code, pieces

CODE = [
    b"{{7*7}}",
    b"a {{ 7*'7' }} b",
    b"${3-1}",
    b"%{233*233}",
    b"@(7*7)",
    b"<%= 7*7 %>",
    b"{{ settings.SECRET_KEY }}",
    b"{{config.items()}}",
    b"{{''.__class__}}",
    b"{{ ({}.__class__) }}",
    b"{{x|attr('a')}}",
    b"{{['id']|map('system')|join}}",
    b"{{cycler.next}}",
    b"{{dump(app)}}",
    b'{{printf "%s" "a"}}',
    b"{{'a'.toUpperCase()}}",
    b"${T(java.lang.System)}",
    b"*{new java.lang.String('x')}",
    b"{{a.constructor}}",
    b"{% import os %}{{os.system('id')}}",
]
NAMES = [
    b"{{ user.name|upper }}",
    b'{{ formatDate(order.date, "YYYY") }}',
    b"${price * 2}",
    b"{{ items | sort }}",
    b'{{ posts|map(attribute="title")|join(", ") }}',
    b'{{ "Hello"|translate }}',
    b"{% for x in items %}{{ x.y }}{% endfor %}",
    b"{{ i + 1 }}",
    b'{{ $t("a.b") }}',
    b"${items.map(i => i.x).join(',')}",
    b"{{ settings.title }}",
    b"{{#if a}}b{{/if}}",
    b"${new Date().getFullYear()}",
    b"<% 50 off %>",
    b"7*7",
    b"",
]


@pytest.mark.parametrize("value", CODE)
def test_code_is_found(value: bytes) -> None:
    assert is_code(value)


@pytest.mark.parametrize("value", NAMES)
def test_names_are_none(value: bytes) -> None:
    assert not is_code(value)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (b"a {{b}} c ${d} e", [b"b", b"d"]),
        (b"{{a}b}} <%= c > d %>", [b"a}b", b" c > d "]),
        (b"{% if x %}", [b" if x "]),
        (b"{{open", [b"open"]),
        (b"none", []),
    ],
)
def test_pieces(value: bytes, wanted: list[bytes]) -> None:
    assert pieces(value) == wanted


@given(st.sampled_from(CODE), st.text(alphabet="ab {}", max_size=20).map(str.encode))
def test_what_stands_behind_hides_nothing(value: bytes, behind: bytes) -> None:
    assert is_code(value + behind) >= is_code(value)


@given(st.text(alphabet="{}$#%<>=.|()'7*a_ ", max_size=60).map(str.encode))
def test_nothing_breaks_it(value: bytes) -> None:
    assert is_code(value) in (True, False)


@pytest.mark.parametrize("piece", [b"{{", b"{{a", b"${7*", b"'", b"{{'a'", b"<%", b"@(", b"_", b"{{a.__", b"{{7*7"])
def test_time_is_bounded(piece: bytes) -> None:
    value = piece * (1_000_000 // len(piece))
    before = time.process_time()
    is_code(value)
    assert time.process_time() - before < 0.2
