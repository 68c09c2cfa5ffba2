"""Whether what stands between the marks of a template is code that reaches further than a name: a small tokenizer.

A template that people write fills in names (`{{ user.name|upper }}`). One that somebody puts in to see what happens
counts with constants, calls a method of a literal, names the objects by which engines hold themselves, or climbs by
attributes with two underscores. Bounded: the first `PIECES` pieces, `PIECE_BYTES` of each; linear in them.
"""

from __future__ import annotations

import re
from typing import Final

PIECES: Final = 64
PIECE_BYTES: Final = 512
_OPENED: Final = re.compile(rb"\{\{[={]?|[$#%*@~]\{|<%[=-]?|\{%-?|@\(")
_CLOSES: Final = {b"{{": b"}}", b"<%": b"%>", b"{%": b"%}", b"@(": b")"}
"""What closes what was opened, where it is not a single brace."""
_TOKEN: Final = re.compile(
    rb"(?P<space>\s+)"
    rb"|(?P<text>'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`)"
    rb"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
    rb"|(?P<word>[A-Za-z_$][A-Za-z0-9_$]*)"
    rb"|(?P<other>.)",
    re.DOTALL,
)
_KINDS: Final = {"text": b"t", "number": b"1"}
ROOTS: Final = frozenset(
    b"_self cycler facescontext get_flashed_messages global globalthis joiner lipsum namespace pagecontext "
    b"applicationscope process url_for".split()
)
"""Objects that hold the engine or the server: with anything behind them they are no name to be filled in."""
OWNERS: Final = frozenset(b"app config dict request self session settings messages this".split())
"""Objects that lead to secrets, by one of `INNER`."""
INNER: Final = frozenset(
    b"secret_key secret_key_base signer application environ getclass externalcontext setattribute invalidate server "
    b"env getenv items iteritems storages module from_envvar from_object from_pyfile class".split()
)
CALLS: Final = frozenset(
    b"__import__ assert call_user_func child_process dump eval exec execsync execute file_excerpt file_get_contents "
    b"forname getclass getmethod getruntime import invoke newinstance open passthru phpinfo popen printf proc_open "
    b"readfile readfilesync require shell_exec sleep spawn spawnsync system".split()
)
"""What is called to leave the template."""
FILTERS: Final = frozenset(b"attr exec file_excerpt filter map passthru popen reduce shell_exec sort system".split())
"""Filters of template engines that call what they are told to."""
TOLD: Final = frozenset(b"filter map reduce sort".split())
"""Those of them that are honest without a text that names what is to be called."""
PRINTERS: Final = frozenset(b"html js printf println urlquery".split())
"""Functions of Go's templates, which take a text behind a blank."""
_CLIMBS: Final = re.compile(rb"(?:^|[^A-Za-z0-9])__[a-z]{2,20}__(?:$|[^A-Za-z0-9])|\bconstructor\b")
_COUNTED: Final = re.compile(rb"[1t](?:[-+*/%^][1t])+[;)]?\Z")
_NEW: Final = re.compile(rb"\b(?:new\s{1,8}[A-Za-z]+\.[A-Za-z.]{2,}|[Tt]\s?\(\s?[a-z]{2,8}\.)")
_ON_LITERAL: Final = re.compile(rb"t[.]w\(|t\[t\]|t[.]w[.\[]")


def is_code(value: bytes) -> bool:
    """Whether some piece between the marks of a template is such code."""
    return any(_reaches(piece) for piece in pieces(value))


def pieces(value: bytes) -> list[bytes]:
    """What stands between marks, or behind an opening one that is not closed soon."""
    found = []
    for count, opened in enumerate(_OPENED.finditer(value)):
        if count >= PIECES:
            break
        text = value[opened.end() : opened.end() + PIECE_BYTES]
        found.append(text.partition(_CLOSES.get(opened[0][:2], b"}"))[0])
    return found


def _reaches(piece: bytes) -> bool:
    low = piece.lower()
    if _CLIMBS.search(low) or _NEW.search(piece):
        return True
    words = [(m[0].lower(), m.end()) for m in _TOKEN.finditer(piece) if m.lastgroup == "word"]
    shape = _shape(piece)
    return bool(_COUNTED.match(shape) or _ON_LITERAL.search(shape)) or _names(low, words)


def _shape(piece: bytes) -> bytes:
    """A letter for each token: `w` a word, `t` a text, `1` a number, other bytes as they are."""
    kinds = ((match.lastgroup or "", match[0]) for match in _TOKEN.finditer(piece))
    return b"".join([b"w" if k == "word" else _KINDS.get(k, b"" if k == "space" else token) for k, token in kinds])


def _names(piece: bytes, words: list[tuple[bytes, int]]) -> bool:
    """Whether its words are those that leave a template."""
    return any(_leaves(piece, word, end) for word, end in words) or (
        bool(words) and _is_rooted(piece, *words[0], words)
    )


def _leaves(piece: bytes, word: bytes, end: int) -> bool:
    behind = piece[end : end + 8].replace(b" ", b"")
    if word in CALLS:
        return behind.startswith(b"(")
    if word not in FILTERS or not piece[: end - len(word)].rstrip().endswith(b"|"):
        return False
    return word not in TOLD or behind.startswith((b"('", b'("'))


def _is_rooted(piece: bytes, word: bytes, end: int, words: list[tuple[bytes, int]]) -> bool:
    """Whether the first word is an object of the engine, with something behind it that is to be reached."""
    behind = piece[end:].lstrip()[:1]
    if word in ROOTS:
        return behind in (b".", b"[")
    if word in PRINTERS:
        return behind in (b'"', b"`")
    return word in OWNERS and any(one in INNER for one, _ in words[1:])
