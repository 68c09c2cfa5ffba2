"""Patterns that find a text, no more and no less."""

from __future__ import annotations

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def exactly(text: bytes) -> str:
    """A pattern (google-re2) that only this text has a match of, as a whole: tags and messages are compared so by
    libmodsecurity 3 and Coraza."""
    return r"\A" + "".join(chr(b) if b in _PLAIN else f"\\x{b:02x}" for b in text) + r"\z"
