"""Single values as people write them: sizes, durations, addresses, hosts, names.

Each reader takes the text of a YAML scalar and returns the value, or raises ValueError with a message for a person
that says what is expected. The text counts, not YAML's idea of its type: `off` is a word here, `0600` octal where a
file mode is read, and `1:30` nothing at all. No reader looks at a file, a clock or another setting.
"""

from __future__ import annotations

import ipaddress
import re

from revproxy.config.settings import FEED, Address

_NUMBER = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)[ ]?([A-Za-z]*)", re.ASCII)
_INTEGER = re.compile(r"[0-9][0-9_]{0,17}", re.ASCII)
_MODE = re.compile(r"0?[0-7]{3}", re.ASCII)
_DOTTED = re.compile(r"[0-9.]+", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/*:-]{0,99}", re.ASCII)
_SET_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,1000}", re.ASCII)

_SIZES = {
    "": 1,
    "b": 1,
    "k": 1024,
    "kib": 1024,
    "kb": 1000,
    "m": 1024**2,
    "mib": 1024**2,
    "mb": 1000**2,
    "g": 1024**3,
    "gib": 1024**3,
    "gb": 1000**3,
    "t": 1024**4,
    "tib": 1024**4,
}
_DURATIONS = {"": 1.0, "s": 1.0, "ms": 0.001, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})


def size(text: str) -> int:
    """Bytes: `65536`, `512k`, `16 MiB`, `1.5 GiB`; `k`, `m`, `g` are powers of 1024, `kB`, `MB`, `GB` of 1000."""
    match = _NUMBER.fullmatch(text)
    unit = _SIZES.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise ValueError(f"{text!r} is no size: write 65536, 512k or 16 MiB")
    return int(float(match[1]) * unit) if "." in match[1] else int(match[1]) * unit


def duration(text: str) -> float:
    """Seconds: `15s`, `500ms`, `5m`, `1h`, or a plain number of seconds."""
    match = _NUMBER.fullmatch(text)
    unit = _DURATIONS.get(match[2]) if match else None
    if match is None or unit is None:
        raise ValueError(f"{text!r} is no duration: write 15s, 500ms, 5m or 1h")
    return float(match[1]) * unit


def share(text: str) -> float:
    """A part of a whole: `10%`, `0.1 %`, or `0.1` for a tenth."""
    number = text.removesuffix("%")
    match = _NUMBER.fullmatch(number.strip(" "))
    if match is None or match[2]:
        raise ValueError(f"{text!r} is no share: write 10% or 0.1")
    return float(match[1]) / (100.0 if number != text else 1.0)


def integer(text: str) -> int:
    """A whole number, with `_` between digits if one likes."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is no whole number")
    return int(text.replace("_", ""))


def boolean(text: str) -> bool:
    """true or false; yes, no, on and off too."""
    low = text.lower()
    if low in _TRUE or low in _FALSE:
        return low in _TRUE
    raise ValueError(f"{text!r} is neither true nor false")


def file_mode(text: str) -> int:
    """Permission bits in octal: `0600`, `600` or `0o600`."""
    digits = text.removeprefix("0o")
    if not _MODE.fullmatch(digits):
        raise ValueError(f"{text!r} is no file mode: write 0600")
    return int(digits, 8)


def word(text: str) -> str:
    """Any text that is not empty, in one line of printable characters."""
    if not text or not text.isprintable():
        raise ValueError(f"{text!r} is no printable text")
    return text


def name(text: str) -> str:
    """The name of a listener, an upstream, a route: it stands in records and metrics as it is."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no name: letters, digits and . _ / * : - are, at most 100 of them")
    return text


def is_set_name(text: str) -> bool:
    """Whether this may be the name of a feed, a set of signatures or a role that publishes one."""
    return _SET_NAME.fullmatch(text) is not None


def feed_name(text: str) -> str:
    """`feed:NAME`."""
    if not is_set_name(text.removeprefix(FEED)):
        raise ValueError(f"{text!r} names no feed: lower-case letters, digits and hyphens follow {FEED}")
    return text


def host_name(text: str) -> str:
    """A domain name in lower case, internationalised ones as xn--."""
    low = text.lower().removesuffix(".")
    if not low.isascii():
        raise ValueError(f"{text!r} is not ASCII: write its xn-- form")
    if len(low) > 253 or not all(map(_LABEL.fullmatch, low.split("."))):
        raise ValueError(f"{text!r} is no host name")
    return low


def host(text: str) -> str:
    """A host name or an IP address (IPv6 with or without brackets)."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if ":" in bare:
        return str(_address(bare))
    if _DOTTED.fullmatch(bare):
        return str(_address(bare))
    return host_name(bare)


def route_host(text: str) -> str:
    """What a route's `hosts` may hold: a host, `*.example.org`, or `*` for any."""
    if text == "*":
        return text
    if text.startswith("*."):
        return "*." + host_name(text[2:])
    if "*" in text:
        raise ValueError(f"{text!r}: a star stands alone or before the first dot")
    if text.count(":") == 1:
        raise ValueError(f"{text!r}: routes are chosen by host, without a port")
    return host(text)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address") from None


def ip_address(text: str) -> str:
    """One IP address (IPv6 with or without brackets), without an interface."""
    if "%" in text:
        raise ValueError(f"{text!r} names an interface: write the address alone")
    return str(_address(text[1:-1] if text.startswith("[") and text.endswith("]") else text))


def network(text: str) -> str:
    """A network (`10.0.0.0/8`) or a single address."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no network: write 10.0.0.0/8 or 2001:db8::/32") from None
    raise ValueError(f"{text!r} has bits after its mask: write {meant}")


def _split(text: str) -> tuple[str, int]:
    where, colon, port = text.rpartition(":")
    if not colon or not _PORT.fullmatch(port) or int(port) > 65535:
        raise ValueError(f"{text!r} has no port: write HOST:PORT, for instance 10.0.0.5:8080")
    if ":" in where and not (where.startswith("[") and where.endswith("]")):
        raise ValueError(f"{text!r}: an IPv6 address goes in brackets: [{where}]:{port}")
    return where, int(port)


def port(text: str) -> int:
    """A TCP or UDP port that can be connected to."""
    if not _PORT.fullmatch(text) or not 0 < int(text) <= 65535:
        raise ValueError(f"{text!r} is no port: write 1 to 65535")
    return int(text)


def bind_address(text: str) -> Address:
    """Where to listen: an address of this machine (or `*`, `localhost`) and a port; port 0 lets the system choose."""
    where, port = _split(text)
    if where in ("", "*"):
        raise ValueError(f"{text!r} names no address: write 0.0.0.0:{port} for all of IPv4, [::]:{port} for IPv6")
    made = host(where)
    if made == "localhost":
        return Address("127.0.0.1", port)
    return Address(str(_address(made)), port)


def target_address(text: str) -> Address:
    """Where an internal server is: host or address, and a port."""
    where, port = _split(text)
    if not port:
        raise ValueError(f"{text!r}: port 0 cannot be connected to")
    made = host(where)
    if made in ("0.0.0.0", "::"):
        raise ValueError(f"{text!r}: nobody can be reached there, write the server's own address")
    return Address(made, port)


def route_path(text: str) -> str:
    """A path prefix of whole segments, as it stands in a request."""
    if not _PATH.fullmatch(text):
        raise ValueError(f"{text!r} is no path: it begins with / and holds no blank, query or fragment")
    if "//" in text or "/../" in text + "/" or "/./" in text + "/":
        raise ValueError(f"{text!r} holds an empty, . or .. segment and would never match")
    return text


def method(text: str) -> str:
    """A request method; case counts (RFC 9110 9.1). CONNECT and TRACE are never forwarded."""
    if not _TOKEN.fullmatch(text):
        raise ValueError(f"{text!r} is no method")
    if text.upper() in ("CONNECT", "TRACE"):
        raise ValueError(f"{text} is never forwarded")
    if text != text.upper():
        raise ValueError(f"{text!r}: methods are case-sensitive, write {text.upper()}")
    return text
