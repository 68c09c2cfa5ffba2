"""Where the mail fields of the field table come from: client and envelope (HEAD), the message taken apart (BODY)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from revproxy.content.archive import Archive, names_and_contents
from revproxy.content.magic import magic
from revproxy.content.mime import Attachment, Message, read_message
from revproxy.errors import ContentError, LimitError
from revproxy.model import ContentLimits, Fields


def fill_envelope(fields: Fields, client: bytes, helo: bytes, sender: bytes, recipients: Sequence[bytes]) -> None:
    """The fields of HEAD. `client` is the address as text; an empty `sender` is the null sender."""
    fields.put("client", (client,))
    fields.put("helo", (helo,))
    fields.put("sender", (sender,))
    fields.put("recipients", recipients)


def fill_message(fields: Fields, content: bytes, limits: ContentLimits) -> None:
    """The fields of BODY.

    Raises ContentError or LimitError for a message that cannot be taken apart, `body.error` and what can be known
    all the same filled: who only records goes on with that, everybody else refuses.
    """
    try:
        message = read_message(content, limits)
    except (ContentError, LimitError) as error:
        fields.put("body.error", (_word(error),))
        fields.put("text", list(windows(content, limits)))
        raise
    _fill_header(fields, message, limits)
    _fill_attachments(fields, message.attachments, limits)


def _word(error: ContentError | LimitError) -> bytes:
    return (error.reason if isinstance(error, ContentError) else error.limit).encode("ascii")


def _fill_header(fields: Fields, message: Message, limits: ContentLimits) -> None:
    headers = message.headers
    fields.put("headers", [value for _, value in headers], [name.lower() for name, _ in headers])
    fields.put("subject", (message.subject,))
    fields.put("from.name", (message.from_name,))
    fields.put("from.address", (message.from_address,))
    fields.put("text", [piece for text in message.texts for piece in windows(text, limits)])
    if message.part_headers:
        keys = [line.partition(b":")[0].lower() for line in message.part_headers]
        fields.put("parts.headers", message.part_headers, keys)
    if message.ambiguities:
        fields.put("mime.ambiguity", message.ambiguities)
    if message.error:
        fields.put("body.error", (message.error,))


def _fill_attachments(fields: Fields, attachments: Sequence[Attachment], limits: ContentLimits) -> None:
    if not attachments:
        return
    names = [a.name for a in attachments]
    fields.put("files", names, [b""] * len(names))
    fields.put("files.types", [a.kind for a in attachments], names)
    contents = list(dict.fromkeys((a.name, a.content) for a in attachments))
    contents += _fill_archives(fields, contents, limits)
    pieces = [(name, piece) for name, content in contents for piece in windows(content, limits)]
    fields.put("files.content", [piece for _, piece in pieces], [name for name, _ in pieces])
    kinds = [(name, magic(content)) for name, content in contents]
    fields.put("files.magic", [kind for _, kind in kinds], [name for name, _ in kinds])


def _fill_archives(
    fields: Fields, contents: Sequence[tuple[bytes, bytes]], limits: ContentLimits
) -> list[tuple[bytes, bytes]]:
    """`archive.names` of all attachments; the files inside, which are inspected as if they were attached.

    What is unpacked is bounded for the message, not for each of its archives.
    """
    keys: list[bytes] = []
    names: list[bytes] = []
    inside: list[tuple[bytes, bytes]] = []
    flags: set[bytes] = set()
    left = limits
    for name, content in contents:
        archive = names_and_contents(content, left)
        keys += [name] * len(archive.names)
        names += archive.names
        inside += archive.contents
        flags |= archive.flags
        left = _less(left, archive)
    if names:
        fields.put("archive.names", names, keys)
    _fill_flags(fields, flags)
    return inside


def _less(limits: ContentLimits, archive: Archive) -> ContentLimits:
    if not archive.names:
        return limits
    return replace(
        limits,
        archive_entries=max(0, limits.archive_entries - len(archive.names)),
        archive_bytes=max(0, limits.archive_bytes - sum(len(content) for _, content in archive.contents)),
    )


_UNFINISHED = frozenset({b"too_deep", b"too_many", b"bomb", b"malformed"})
"""Flags of an archive that was not read to its end: a broken message. The others say that its readers may differ."""


def _fill_flags(fields: Fields, flags: set[bytes]) -> None:
    for name, words in (("body.error", flags & _UNFINISHED), ("mime.ambiguity", flags - _UNFINISHED)):
        if words:
            fields.add(name, sorted(b"archive-" + word.replace(b"_", b"-") for word in words))


def windows(content: bytes, limits: ContentLimits) -> Iterator[bytes]:
    """A long content in pieces of `window_bytes` that overlap; a short one as it is, an empty one not at all."""
    size, step = limits.window_bytes, max(1, limits.window_bytes - limits.window_overlap_bytes)
    if not content:
        return
    yield content[:size]
    for at in range(step, len(content) - limits.window_overlap_bytes, step):
        yield content[at : at + size]
