r"""For each transformation, a cheap necessary condition: a value without a match of it is certainly left unchanged.

The texts are regular expressions over bytes that Hyperscan and google-re2 read alike, with dot-all, so that the
linker can put them into the databases that are scanned anyway: one scan then tells both which patterns hit and which
transformations can change anything. None: may change any value. Empty: never changes one.
"""

from __future__ import annotations

from revproxy.codecs.base64 import WRAPPED
from revproxy.codecs.lookalikes import SEQUENCES
from revproxy.detection.transformations import parity


def _changed(table: bytes) -> str:
    """Any byte that the table does not leave as it is."""
    return "[" + "".join(f"\\x{byte:02x}" for byte, image in enumerate(table) if byte != image) + "]"


def base64(quads: int) -> str:
    """Whole quads of digits, at least so many, with blanks behind them; or several lines; or nothing but blanks."""
    many = rf"^(?:[A-Za-z0-9+/=]{{4}}){{{quads},}} *(?:$|\x00)"
    lines = r"^[A-Za-z0-9+/=\r ]*\n[A-Za-z0-9+/=\r\n ]*(?:$|\x00)"
    return rf"{many}|{lines}|^ +(?:$|\x00)|^\x00"


_ESCAPE = r"\\"
_PATH = r"//|\.(?:/|$)"

TRIGGERS: dict[str, str | None] = {
    "none": "",
    "base64Decode": base64(1),
    "base64DecodeExt": None,
    "base64Encode": None,
    "cmdLine": r"[A-Z\\\x22'^,;\t\n\r]| [ /(]",
    "compressWhitespace": r"[\t\n\r\x0b\x0c]|  ",
    "cssDecode": _ESCAPE,
    "escapeSeqDecode": _ESCAPE,
    "foldUnicode": SEQUENCES,
    "hexDecode": None,
    "hexEncode": None,
    "htmlEntityDecode": r"&(?:#[0-9xX]|[aglnqAGLNQ])",
    "jsDecode": _ESCAPE,
    "length": None,
    "lowercase": r"[A-Z]",
    "md5": None,
    "normalisePath": _PATH,
    "normalisePathWin": _ESCAPE + "|" + _PATH,
    "normalizePath": _PATH,
    "normalizePathWin": _ESCAPE + "|" + _PATH,
    "parityEven7bit": _changed(parity.EVEN),
    "parityOdd7bit": _changed(parity.ODD),
    "parityZero7bit": _changed(parity.ZERO),
    "removeComments": r"/\*|--|#",
    "removeCommentsChar": r"/\*|\*/|--|#",
    "removeNulls": r"\x00",
    "removeWhitespace": r"[ \t\n\r\x0b\x0c\xa0\xc2]",
    "replaceComments": r"/\*",
    "replaceNulls": r"\x00",
    "sha1": None,
    "sqlHexDecode": r"0[xX][0-9A-Fa-f]{2}",
    "trim": r"^[ \t\n\r\x0b\x0c]|[ \t\n\r\x0b\x0c]$",
    "trimLeft": r"^[ \t\n\r\x0b\x0c]",
    "trimRight": r"[ \t\n\r\x0b\x0c]$",
    "unwrapBase64": WRAPPED,
    "unwrapMore": r"^\x1e",
    "uppercase": r"[a-z]",
    "urlDecode": r"\+|%[0-9A-Fa-f]{2}",
    "urlDecodeUni": r"\+|%(?:[0-9A-Fa-f]{2}|[uU][0-9A-Fa-f]{4})",
    "urlEncode": r"[^0-9A-Za-z*]",
    "utf8toUnicode": r"[\x00\xc0-\xf7]",
}
"""By SecLang name, one for each of `TRANSFORMATIONS`."""
