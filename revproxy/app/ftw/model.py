"""The nouns of go-ftw: a test has stages, a stage an input and an output. Nothing here reads, sends or decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from revproxy.errors import Location

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Input:
    """The request of a stage. Where it is sent to is the runner's business, not the file's."""

    method: str = "GET"
    uri: str = "/"
    version: str = "HTTP/1.1"
    headers: Headers = ()
    """In the order in which they are sent."""
    data: bytes = b""
    whole: bytes | None = None
    """The request as it goes out, byte for byte; then nothing else counts."""
    autocomplete: bool = True
    """Add what a body and its connection need, where the test says nothing of it."""
    save_cookie: bool = False
    follow_redirect: bool = False
    virtual_host: bool = False
    """Marker requests carry the test's own Host."""


@dataclass(frozen=True, slots=True)
class Output:
    """What is expected. What is empty is not asked for."""

    statuses: tuple[int, ...] = ()
    response_contains: bytes = b""
    expect_ids: tuple[str, ...] = ()
    no_expect_ids: tuple[str, ...] = ()
    patterns: tuple[Any, ...] = ()
    """google-re2 programs; each matches in some line of the log."""
    no_patterns: tuple[Any, ...] = ()
    expect_error: bool = False
    """There is no answer that could be read."""
    retry_once: bool = False
    isolated: bool = False
    """No other rule than the expected one."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One request and what is expected of it."""

    given: Input
    expected: Output
    where: Location


@dataclass(frozen=True, slots=True)
class FtwTest:
    """All of whose stages must do as expected."""

    id: str
    stages: tuple[Stage, ...]
    where: Location
    skip: str = ""
    """Why it is not run."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an internal server answered."""

    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Observed:
    """What became of a stage's request."""

    rules: tuple[str, ...] = ()
    """Ids of the rules that matched and log, in order."""
    lines: tuple[bytes, ...] = ()
    """Their lines of the error log."""
    status: int = 0
    """Of the answer that the client got."""
    refused: bool = False
    """The protocol gate answered: no rule was asked."""
    answer: Answer = field(default_factory=Answer)
    """What the client got, as far as it is known."""
    error: str = ""
    """Why there is no answer."""
