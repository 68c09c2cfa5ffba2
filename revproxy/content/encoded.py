"""A value of a form as readers find it who undo what it declares: a transfer encoding, a charset.

Nobody can know which of them reads it inside. Invariants: nothing here raises for what a value contains; linear; at
most one text for each coding and each charset that is named.
"""

from __future__ import annotations

from collections.abc import Iterable

from revproxy.codecs.charset import codec_of
from revproxy.content.mimecoding import codings, decode


def as_declared(value: bytes, coding: bytes, charsets: Iterable[bytes]) -> list[bytes]:
    """All that is not the value itself. Charsets that nobody knows are left out."""
    texts = dict.fromkeys([value, *(decode(value, known) for known in codings((coding,)))])
    codecs = [codec for name in charsets if (codec := codec_of(name)) is not None]
    for text in tuple(texts):
        for codec in codecs:
            texts[text.decode(codec, "replace").encode("utf-8", "surrogatepass")] = None
    del texts[value]
    return list(texts)
