"""Transformations: what a value goes through before an operator sees it.

Each is a pure function from bytes to bytes, linear in the length of the value, and never fails. The names are those
of SecLang, exactly; the reference for what they do is libmodsecurity 3.
"""

from __future__ import annotations

from collections.abc import Callable

from revproxy.codecs.entity import decode_entities
from revproxy.codecs.escape import decode_c, decode_css, decode_js
from revproxy.codecs.lookalikes import fold_lookalikes
from revproxy.detection.transformations import comments, digest, parity, path, url, whitespace
from revproxy.detection.transformations.triggers import TRIGGERS

__all__ = ["TRANSFORMATIONS", "TRIGGERS", "Transformation"]

Transformation = Callable[[bytes], bytes]


def _none(value: bytes) -> bytes:
    """Nothing: the languages end an inherited list with it."""
    return value


TRANSFORMATIONS: dict[str, Transformation] = {
    "none": _none,
    "base64Decode": digest.base64_decode,
    "base64DecodeExt": digest.base64_decode_ext,
    "base64Encode": digest.base64_encode,
    "cmdLine": path.cmd_line,
    "compressWhitespace": whitespace.compress_whitespace,
    "cssDecode": decode_css,
    "escapeSeqDecode": decode_c,
    "foldUnicode": fold_lookalikes,
    "hexDecode": digest.hex_decode,
    "hexEncode": digest.hex_encode,
    "htmlEntityDecode": decode_entities,
    "jsDecode": decode_js,
    "length": digest.length,
    "lowercase": bytes.lower,
    "md5": digest.md5,
    "normalisePath": path.normalise_path,
    "normalisePathWin": path.normalise_path_win,
    "normalizePath": path.normalise_path,
    "normalizePathWin": path.normalise_path_win,
    "parityEven7bit": parity.parity_even,
    "parityOdd7bit": parity.parity_odd,
    "parityZero7bit": parity.parity_zero,
    "removeComments": comments.remove_comments,
    "removeCommentsChar": comments.remove_comments_char,
    "removeNulls": whitespace.remove_nulls,
    "removeWhitespace": whitespace.remove_whitespace,
    "replaceComments": comments.replace_comments,
    "replaceNulls": whitespace.replace_nulls,
    "sha1": digest.sha1,
    "sqlHexDecode": digest.sql_hex_decode,
    "trim": whitespace.trim,
    "trimLeft": whitespace.trim_left,
    "trimRight": whitespace.trim_right,
    "unwrapBase64": digest.unwrap_base64,
    "unwrapMore": digest.unwrap_more,
    "uppercase": bytes.upper,
    "urlDecode": url.url_decode,
    "urlDecodeUni": url.url_decode_uni,
    "urlEncode": url.url_encode,
    "utf8toUnicode": url.utf8_to_unicode,
}
"""By SecLang name, but for `foldUnicode`, `unwrapBase64` and `unwrapMore`, which are for signatures. `normalise` and
`normalize` are the same."""
