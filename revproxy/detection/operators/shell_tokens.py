"""A small tokenizer of the Unix shell: is there a command where one may begin, read as the shell reads it?

A command may begin at the start of the value and behind what separates or opens commands (`; | & newline ` ( {`).
Its words are read with quotes, backslashes, parameters that are empty and braces undone, so that `c'a't`, `c\\at`,
`ca$@t` and `{cat,/etc/hosts}` are what they run as; patterns of file names are held against well-known paths. What
then counts is whether the first word names a program and the others look like what is given to one. Pure; the work
is bounded by looking at no more than the two ends of a long value. What is suggestive enough to be looked at at all
is for signatures to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from revproxy.detection.operators.shell_words import (
    ALONE,
    ELEMENTS,
    FOLDERS,
    FOLLOWING,
    KNOWN,
    NETWORK,
    PLAIN,
    PROSE,
    RAISING,
    SHELLS,
    SUBCOMMANDS,
    TOOLS,
    WELL_KNOWN_PATHS,
    WRAPPERS,
)

END_BYTES: Final = 2048
"""So much is read at the start of a value, and at its end."""
_WORDS: Final = 8
_BRACED: Final = 8
"""Alternatives of a brace expression that are read."""

_START: Final = re.compile(rb"^|(?P<opens>[;|&`]|[$<>]\()|[\n\r(]")
_BLANKS: Final = re.compile(rb"[ \t]*+")
_COMMAND: Final = re.compile(rb"[^;|&\n\r`()]{1,160}+")
_TAG: Final = re.compile(rb"<(?P<closing>/)?(?P<name>[A-Za-z][\w:-]{0,30}+)[ \t\r\n]*+/?>")
_SEPARATOR: Final = re.compile(rb"\$\{?IFS\}?(?:\$\d)?|\$\{IFS[^}]{0,16}\}|%IFS%", re.IGNORECASE)
_PIECE: Final = re.compile(
    rb"""(?P<plain>[^ \t'"\\$<>{}]++)|\\(?P<escaped>.)|'(?P<single>[^']*+)'|"(?P<double>[^"]*+)"|"""
    rb"""(?P<empty>\$[@*]|\$\{[^}${]{0,40}+\}|\$\w{1,20}+)|\{(?P<brace>[^{} \t]{1,80}+)\}|"""
    rb"""(?P<blank>[ \t]++)|(?P<redirect><<<|>>?|<)|(?P<stray>['"])|(?P<other>.)""",
    re.DOTALL,
)
_ASSIGNMENT: Final = re.compile(rb"[A-Za-z_]\w{0,40}=")
_OPTION: Final = re.compile(rb"-{1,2}[A-Za-z][\w-]{0,30}(?:=.*)?\Z", re.DOTALL)
_SHORT_OPTION: Final = re.compile(rb"-[A-Za-z]{1,4}\Z")
_ADDRESS: Final = re.compile(rb"(?:https?|ftp)://|\d{1,3}(?:\.\d{1,3}){3}\b", re.IGNORECASE)
_HOST: Final = re.compile(rb"(?:[\w.+-]{1,40}@)?(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,16}(?:[:/].*)?\Z", re.DOTALL)
_FIRST: Final = re.compile(
    rb"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|localhost|(?:[\w-]{1,63}\.){1,4}(?:com|net|org|example|local|test))?['\"]?\s{0,4}"
    rb"(?:&&?|\|\|?|;)[ \t]{0,4}"
)
"""The operand that a command line has in the value's place, or nothing, and what begins another command."""
_NUMBER: Final = re.compile(rb"[0-9]{1,6}(?:\.[0-9]{1,3})?[smhd]?\Z")
_FILE: Final = re.compile(rb"[\w./-]{1,80}\.(?:sh|py|pl|php|rb|txt|conf|cfg|ini|log|xml|json|ya?ml|so|exe|ps1)\Z")
_VERSION: Final = re.compile(rb"(?<=[a-z])[0-9.]{1,5}\Z")
_HIDING: Final = re.compile(rb"[%$'\"\\<>{}?*\[]")
"""What may make a word of something else, or stand for a path."""
_PATTERN: Final = re.compile(rb"[?*\[]")


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the shell would run it. `opened`: behind what opens a command and does little else;
    `odd`: its name was hidden by quotes, escapes, parameters or braces; `fed`: its input stands behind `<<<`;
    `next`: nothing but an operand stands before what opens it."""

    words: list[bytes]
    opened: bool
    odd: bool
    fed: bool
    next: bool = False


def is_shell(value: bytes) -> bool:
    """Whether the value runs a program when it ends in a command line."""
    if is_next(value):
        return True
    ends = (value,) if len(value) <= 2 * END_BYTES else (value[:END_BYTES], value[-END_BYTES:])
    return any(_runs(command) for part in ends for command in commands(part))


def is_next(value: bytes) -> bool:
    """Whether the value is the end of a command and another one: prose does not begin with a separator."""
    first = _FIRST.match(value)
    found = first and _COMMAND.match(value, first.end())
    return found is not None and _runs(replace(_read(found[0], True), next=True))


def commands(value: bytes) -> Iterator[Command]:
    """What may be a command, wherever one may begin."""
    for start in _START.finditer(value):
        blanks = _BLANKS.match(value, start.end())
        at = blanks.end() if blanks else start.end()
        for begin in (at, at + 1) if value[at : at + 1] in (b"'", b'"') else (at,):
            found = _COMMAND.match(value, begin)
            text = b"" if found is None else _without_markup(found[0], value)
            if text and _may_run(text):
                yield _read(text, start["opens"] is not None)


def _without_markup(text: bytes, value: bytes) -> bytes:
    """The text as far as a tag of HTML, or one that closes what the value has opened: it redirects nothing."""
    for tag in _TAG.finditer(text):
        if tag["name"].lower() in ELEMENTS or (tag["closing"] and b"<" + tag["name"] in value):
            return text[: tag.start()]
    return text


def _may_run(text: bytes) -> bool:
    """Whether what begins so can be a command: most text begins with a word that names none, and is not read."""
    if _HIDING.search(text):
        return True
    first = text.replace(b"\t", b" ").partition(b" ")[0]
    return b"=" in first or first.lower() in WRAPPERS or _program(first)[0] in KNOWN


def _read(text: bytes, opened: bool) -> Command:
    """Undo what the shell undoes."""
    parted = _SEPARATOR.sub(b" ", text)
    words: list[bytes] = []
    current: list[bytes] = []
    odd, redirects, pieces = parted != text, b"", 0
    for found in _PIECE.finditer(parted):
        kind = found.lastgroup or ""
        if kind in ("blank", "redirect"):
            redirects += found[0].strip()
            words += current
            current, pieces = [], 0
            if len(words) >= _WORDS:
                break
            continue
        if kind == "stray":
            continue
        pieces += 1
        odd |= not words and (pieces > 1 or kind == "brace")
        more = [b""] if kind == "empty" else found[kind].split(b",")[:_BRACED] if kind == "brace" else [found[kind]]
        current = [word + one for word in current or [b""] for one in more][:_BRACED]
    words += current
    return Command([word for word in words if word], opened, odd, b"<<<" in redirects)


def _runs(command: Command) -> bool:
    """Whether it is a command, and not a word that happens to be the name of one."""
    wrapped, words = _unwrapped(command.words)
    if not words:
        return False
    if any(_is_hidden_path(word) for word in words):
        return True
    name, absolute = _program(words[0])
    if name not in KNOWN:
        return False
    if wrapped and command.opened and command.words[0] in RAISING and name in PLAIN:
        return True
    if command.next and words[0].islower() and _follows(name, words[1:]):
        return True
    return absolute or _convinces(name, words[1:], replace(command, opened=command.opened or wrapped))


def _follows(name: bytes, operands: list[bytes]) -> bool:
    """Whether the name of a program, with what is given to it, needs nothing but a separator before it."""
    if not operands:
        return name in FOLLOWING or name in ALONE
    if name in PLAIN and name not in TOOLS and name not in PROSE:
        return True
    if name == b"sleep":
        return len(operands) == 1 and _NUMBER.match(operands[0]) is not None
    if name in TOOLS:
        return operands[0] in SUBCOMMANDS
    return name not in PROSE and _HOST.match(operands[0]) is not None


def _unwrapped(words: list[bytes]) -> tuple[bool, list[bytes]]:
    """(whether there were any wrappers, the command behind them and behind assignments)"""
    wrapped = False
    while len(words) > 1:
        if _ASSIGNMENT.match(words[0]):
            words = words[1:]
            continue
        if words[0].lower() not in WRAPPERS:
            break
        rest = [word for word in words[1:] if not word.startswith(b"-") and not word.isdigit()]
        if not rest or _program(rest[0])[0] not in KNOWN:
            break
        wrapped, words = True, words[words.index(rest[0], 1) :]
    return wrapped, words


def _program(word: bytes) -> tuple[bytes, bool]:
    """(name of the program in lower case, whether it is given by its path)"""
    folder, _, name = word.rpartition(b"/")
    name = name.lower()
    if name not in KNOWN:
        name = _VERSION.sub(b"", name)
    return name, folder.lower().endswith((b"bin", b"sbin"))


def _convinces(name: bytes, operands: list[bytes], command: Command) -> bool:
    """Whether the name of a program stands with what is given to one."""
    certain = command.opened or command.odd
    if not operands:
        if command.opened:
            return name in ALONE or name in SHELLS or (name in PLAIN and (command.odd or b"-" in name))
        return command.odd and name in ALONE
    evidence = sum(map(_weight, operands))
    if command.opened and name in NETWORK and any(map(_HOST.match, operands)):
        return True
    if name in SHELLS and any(_SHORT_OPTION.match(word) for word in operands):
        return True
    if command.fed and certain:
        return True
    if (name in PLAIN and (certain or name not in TOOLS)) or (name in ALONE and certain):
        return evidence > 0 or (command.odd and name in ALONE) or (command.opened and (command.odd or b"-" in name))
    evidence -= operands.count(b"/")
    if certain:
        return evidence > 1 or (evidence == 1 and not all(_OPTION.match(word) for word in operands))
    return evidence > 2


def _weight(word: bytes) -> int:
    """How much a word looks like what is given to a program: 0, 1, or 2 for what little else looks like."""
    if word.startswith((b"/", b"~/", b"./", b"../")):
        first = word.lstrip(b"./~").partition(b"/")[0].lower()
        return 2 if first in FOLDERS or word.startswith((b"~/", b"./", b"../")) else 1
    if _ADDRESS.match(word):
        return 2
    return 1 if _OPTION.match(word) or _FILE.match(word) else 0


def _is_hidden_path(word: bytes) -> bool:
    """Whether a pattern of file names means a well-known path, and does not spell it out."""
    if not word.startswith(b"/") or not _PATTERN.search(word):
        return False
    parts = [part for part in islice(word.lower().split(b"/"), 1, 8) if part]
    return any(
        len(parts) == len(known)
        and all(matches(part, name) for part, name in zip(parts, known, strict=True))
        and sum(sum(byte not in b"?*[]!^" for byte in part) for part in parts) >= 2
        for known in WELL_KNOWN_PATHS
    )


def matches(pattern: bytes, name: bytes) -> bool:
    """Whether a shell's pattern (`?`, `*`, `[...]`) stands for the name. Linear in the product of their lengths."""
    states = {0}
    for token in _tokens(pattern):
        if token == b"*":
            states = set(range(min(states), len(name) + 1))
        else:
            states = {at + 1 for at in states if at < len(name) and _takes(token, name[at : at + 1])}
        if not states:
            return False
    return len(name) in states


_TOKEN: Final = re.compile(rb"\[[!^]?+\]?[^\]]*+\]|.", re.DOTALL)


def _tokens(pattern: bytes) -> list[bytes]:
    return _TOKEN.findall(pattern[:64])


def _takes(token: bytes, byte: bytes) -> bool:
    if token == b"?":
        return True
    if len(token) == 1:
        return token == byte
    members = token[1:-1]
    negated = members[:1] in (b"!", b"^")
    # Some write `[?]` for a letter that they do not want to spell.
    return b"?" in members or (byte in members[negated:]) is not negated
