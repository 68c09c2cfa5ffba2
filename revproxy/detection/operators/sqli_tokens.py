"""SQL injection, by a small tokenizer of our own: the stand-in where libinjection is absent.

A value is cut into tokens of SQL three times: as it stands, and as if it began inside a string of either quote. Each
token is one letter; the string of the first few letters, with what means nothing taken out, is the fingerprint, and a
table of shapes says which fingerprints are an attack. Modest on purpose: it knows fewer dialects than libinjection,
and prefers to miss an odd form over refusing prose.
"""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 8
_MOST_TOKENS: Final = 64

TOKEN: Final = re.compile(
    rb"(?P<space>[\s\x00\xa0]+)"
    rb"|(?P<comment>--[^\n]*|\#[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z))"
    rb"|(?P<string>'[^'\\]*(?:(?:\\.|'')[^'\\]*)*(?:'|\Z)|\"[^\"\\]*(?:(?:\\.|\"\")[^\"\\]*)*(?:\"|\Z))"
    rb"|(?P<number>0[xX][0-9A-Fa-f]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)"
    rb"|(?P<variable>@{1,2}[A-Za-z_0-9$.]*)"
    rb"|(?P<word>[A-Za-z_\x80-\xff][A-Za-z_0-9$\x80-\xff]*|`[^`]*`?|\[[A-Za-z_0-9 ]*\])"
    rb"|(?P<operator>\|\||&&|<=>|<>|<=|>=|!=|:=|[=<>!%^&|*/+~-])"
    rb"|(?P<other>.)",
    re.DOTALL,
)
"""A token of SQL of any dialect; every byte belongs to one."""

_WORDS: Final = {
    b"U": b"union intersect except",
    b"E": b"select insert update delete drop alter create exec execute truncate declare merge replace load waitfor",
    b"&": b"and or xor having div mod not like rlike regexp sounds between in is similar",
    b"B": b"group order limit offset",
    b"k": b"from where into values set all distinct by as outfile dumpfile table database procedure delay on join "
    b"case when then else end exists any some",
    b"f": b"sleep benchmark pg_sleep version user current_user database char chr ascii substring substr mid concat "
    b"concat_ws group_concat count load_file extractvalue updatexml if ifnull nullif coalesce cast convert hex "
    b"unhex length system_user session_user schema md5 sha1 rand floor exp xp_cmdshell utl_inaddr dbms_pipe",
    b"1": b"null true false",
}
_LETTER: Final = {word: letter for letter, words in _WORDS.items() for word in words.split()}
_GROUPS: Final = {"string": b"s", "number": b"1", "variable": b"v", "operator": b"o", "comment": b"c"}
_COMPARISONS: Final = frozenset(b"= < > <> <= >= != <=>".split())
_MARKS: Final = {b"(": b"(", b")": b")", b";": b";", b",": b","}

_ATTACK: Final = re.compile(
    rb"[sn1v)]*U(?:k?E|k?\()"  # ... union [all] select
    rb"|[s1v)]{1,3}&[(]*[s1vf][)]*[=&][(]*[s1vf]"  # 1 or 1=1
    rb"|s[)]*&[(]*[1v](?:[=c;]|\Z)"  # ' or 1
    rb"|s[)]*[&o](?:f\(|\(?E)"  # ' or sleep(
    rb"|[s1v)]{1,3}&\(E"  # 1 and (select
    rb"|[s1vn)]{0,3};E"  # ; drop
    rb"|s[)]*B(?:k|1)"  # ' order by
    rb"|s[)]+o?c\Z"  # ')--
    rb"|s[)]*&c"
    rb"|f\((?:f\(|[s1v),n])*(?:k|E)"  # ascii(substring(version() from
    rb"|f\([1s],f\("  # if(1,sleep(
    rb"|[s1v)]{1,2}o\(E"
)
"""Shapes of an attack, from the first letter on."""


def fingerprint(value: bytes) -> bytes:
    """The letters of an attack, or nothing. Looks at the first 64 tokens of each reading."""
    if not any(mark in value for mark in b" \t\n'\"(/+"):
        return b""
    for lead in (b"", b"'", b'"'):
        if lead and lead not in value:
            continue
        letters = _letters(lead + value)
        if _ATTACK.match(letters):
            return letters[:_LONGEST]
    return b""


def _letters(text: bytes) -> bytes:
    out = bytearray()
    for count, match in enumerate(TOKEN.finditer(text)):
        if count >= _MOST_TOKENS:
            break
        out += _letter(match)
    return bytes(out)


def _letter(match: re.Match[bytes]) -> bytes:
    kind = match.lastgroup or ""
    if kind == "word":
        return _LETTER.get(match[0].lower(), b"n")
    if kind == "comment":
        # An inner comment is a space to SQL; one that cuts off the rest is what attacks end with.
        return b"c" if match.end() == len(match.string) and not match[0].endswith(b"*/") else b""
    if kind == "operator" and match[0] in (b"||", b"&&"):
        return b"&"
    if kind == "operator" and match[0] in _COMPARISONS:
        return b"="
    if kind == "other":
        return _MARKS.get(match[0], b"")
    return _GROUPS.get(kind, b"")
