"""The second argument of SecRule: `@name argument`, `!@name argument`, or a bare pattern.

One blank separates the name from its argument; further blanks, and those at the end, belong to the argument, as in
ModSecurity 3. Whether an argument makes sense to its operator is for linking to say.
"""

from __future__ import annotations

import re

from revproxy.detection.seclang.arguments import Argument
from revproxy.detection.seclang.macros import macro
from revproxy.detection.seclang.source import Log, near, shown
from revproxy.detection.seclang.tree import Operator
from revproxy.detection.seclang.vocabulary import OPERATORS, Status
from revproxy.detection.seclang.vocabulary.operators import SAME

_HEAD = re.compile(r"[ \t]*+(?:(!)[ \t]*+)?(?:(@)([A-Za-z0-9_]*+)(?:[ \t]|\Z))?")
_NAMES = {spec.name.lower(): spec.name for spec in OPERATORS.values()} | {name.lower(): name for name in SAME}


def operator(argument: Argument, log: Log) -> Operator | None:
    """The operator, or None where it is wrong, which is noted."""
    line = argument.line
    head = _HEAD.match(line.text, argument.start, argument.end)
    assert head is not None  # it matches nothing at all, too
    negated, sign, name = head[1] is not None, head[2], head[3]
    where = line.at(head.start(2) if sign else argument.start)
    start = head.end()
    if not sign:
        if line.text.startswith("@", start, argument.end):
            log.wrong(line.at(start), "`@` begins the name of an operator", "write `@rx @...` for a pattern")
            return None
        # Blanks before a bare pattern belong to it, but not those between `!` and `@`.
        name, start = "rx", head.end(1) if negated else argument.start
    spec = OPERATORS.get(name.lower())
    if spec is None:
        log.wrong(line.at(head.start(3)), f"unknown operator `@{shown(name)}`", near(name, _NAMES))
        return None
    if spec.status is Status.REFUSED:
        log.wrong(where, f"@{spec.name} is refused", spec.why)
        return None
    text = line.cut(start, argument.end, argument.quote)
    if spec.argued and not text.value:
        hint = "^$ is the pattern of an empty value" if spec.name == "rx" else ""
        log.wrong(line.at(argument.end), f"@{spec.name} needs an argument", hint)
        return None
    return Operator(spec.name, negated, macro(text, log), where)
