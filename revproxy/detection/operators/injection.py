"""`detectSQLi` and `detectXSS`: libinjection where its shared library is at hand, else our own tokenizers;
`detectShell`, `detectSQL` and `detectTemplate`, which are always ours.

The library is taken from the `libmodsecurity` wheel, else from the system's libmodsecurity. Which one answers is told
by `libinjection_source`. Both calls are made in place, hold no state and may be made by several threads at once.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from revproxy.detection.operators import shell_tokens, sql_shape, sqli_tokens, template_tokens, xss_tokens
from revproxy.detection.operators.base import Argument, ArgumentError, CompiledOperator, bytes_of

WHEEL: Final = "libmodsecurity wheel"
SYSTEM: Final = "system libmodsecurity"
OWN: Final = "own tokenizers"
_SYSTEM_NAMES: Final = ("libmodsecurity.so.3", "libinjection.so")
_Fingerprint = ctypes.c_char * 8


@dataclass(frozen=True, slots=True)
class Detectors:
    """`sqli` gives the fingerprint of an injection, or nothing; `xss` whether there is one."""

    source: str
    sqli: Callable[[bytes], bytes]
    xss: Callable[[bytes], bool]


def _wheel_libraries() -> Iterator[Path]:
    spec = importlib.util.find_spec("libmodsecurity")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent.parent / "libmodsecurity.libs"
    if folder.is_dir():
        yield from sorted(folder.glob("libmodsecurity-*.so*"))


def _bound(library: ctypes.CDLL, source: str) -> Detectors:
    """Raises AttributeError when the library does not export libinjection."""
    sqli = library.libinjection_sqli
    sqli.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p]
    sqli.restype = ctypes.c_int
    xss = library.libinjection_xss
    xss.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    xss.restype = ctypes.c_int

    def fingerprint(value: bytes) -> bytes:
        buffer = _Fingerprint()
        return buffer.value if sqli(value, len(value), buffer) == 1 else b""

    return Detectors(source, fingerprint, lambda value: xss(value, len(value)) == 1)


def _loaded(name: str, source: str) -> Detectors | None:
    try:
        return _bound(ctypes.CDLL(name), source)
    except (OSError, AttributeError):
        return None


def find_detectors() -> Detectors:
    """The best that this machine has; looks at the file system, so it is called once, at load."""
    for path in _wheel_libraries():
        detectors = _loaded(str(path), WHEEL)
        if detectors is not None:
            return detectors
    for name in _SYSTEM_NAMES:
        detectors = _loaded(name, SYSTEM)
        if detectors is not None:
            return detectors
    return own_detectors()


def own_detectors() -> Detectors:
    """The tokenizers of this project."""
    return Detectors(OWN, sqli_tokens.fingerprint, xss_tokens.is_xss)


_DETECTORS: Final = find_detectors()


def libinjection_source() -> str:
    """Which implementation answers."""
    return _DETECTORS.source


def detect_sqli(argument: Argument, detectors: Detectors = _DETECTORS) -> CompiledOperator:
    """The value looks like SQL injection. What it captures is the fingerprint."""
    _no_argument(argument)
    sqli = detectors.sqli

    def captures(value: bytes) -> tuple[bytes, ...]:
        print_of = sqli(value)
        return (print_of,) if print_of else ()

    return CompiledOperator(lambda value: bool(sqli(value)), captures=captures)


def detect_xss(argument: Argument, detectors: Detectors = _DETECTORS) -> CompiledOperator:
    """The value looks like script injection into HTML. What it captures is the value."""
    _no_argument(argument)
    xss = detectors.xss
    return CompiledOperator(xss, captures=lambda value: (value,) if xss(value) else ())


def detect_shell(argument: Argument) -> CompiledOperator:
    """The value holds a command of the Unix shell. SecLang does not have it."""
    _no_argument(argument)
    return CompiledOperator(shell_tokens.is_shell)


def detect_sql(argument: Argument) -> CompiledOperator:
    """The value goes on with a statement of SQL. SecLang does not have it."""
    _no_argument(argument)
    return CompiledOperator(sql_shape.is_sql)


def detect_template(argument: Argument) -> CompiledOperator:
    """The value holds code between the marks of a template. SecLang does not have it."""
    _no_argument(argument)
    return CompiledOperator(template_tokens.is_code)


def _no_argument(argument: Argument) -> None:
    if bytes_of(argument).strip(b" "):
        raise ArgumentError("takes no argument")
