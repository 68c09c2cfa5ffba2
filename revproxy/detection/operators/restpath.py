"""`restpath` (Coraza's): a path in which `{name}` stands for anything but a newline.

The rest of the argument is a regular expression, unanchored and without dot-all and multi-line, as Coraza reads it.
What the names matched is not kept: there is no ARGS_PATH.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from revproxy.detection.operators.base import Argument, ArgumentError, CompiledOperator, text_of
from revproxy.detection.operators.rx import matcher, tree_of
from revproxy.detection.patterns import Flags

_PART: Final = re.compile(r"\{([^}]+)\}")
_NAME: Final = re.compile(r"[A-Za-z0-9_]+")


def restpath(argument: Argument) -> CompiledOperator:
    """The value holds such a path."""
    text = text_of(argument)
    seen: set[str] = set()
    for part in _PART.finditer(text):
        if _NAME.fullmatch(part[1]) is None or part[1] in seen:
            raise ArgumentError("a name in braces is of letters and digits, and stands once", part.start())
        seen.add(part[1])
    return replace(matcher(tree_of(_PART.sub("(?:.*)", text), Flags(s=False, m=False))), captures=None)
