"""Operators: tests of one value. The table of their names, and how a rule's operator is compiled.

Names are those of SecLang, exactly. A factory takes the argument as written and gives a `CompiledOperator`; it raises
ValueError (`ArgumentError`, with the place in the argument where that is known) for one that it cannot take. Nothing
fails after that. `pmFromFile` and its like are lowered to `pm` by the languages: no operator reads a file.
"""

from __future__ import annotations

from revproxy.detection.operators import addresses, injection, numbers, phrases, text, validate
from revproxy.detection.operators.base import ArgumentError, CompiledOperator, Factory, Test
from revproxy.detection.operators.injection import libinjection_source
from revproxy.detection.operators.rx import rx
from revproxy.detection.rules import Operator

__all__ = [
    "OPERATORS",
    "ArgumentError",
    "CompiledOperator",
    "Factory",
    "Test",
    "compile_operator",
    "libinjection_source",
]

OPERATORS: dict[str, Factory] = {
    "beginsWith": text.begins_with,
    "contains": text.contains,
    "containsWord": text.contains_word,
    "detectSQLi": injection.detect_sqli,
    "detectXSS": injection.detect_xss,
    "endsWith": text.ends_with,
    "eq": numbers.eq,
    "ge": numbers.ge,
    "gt": numbers.gt,
    "ipMatch": addresses.ip_match,
    "le": numbers.le,
    "lt": numbers.lt,
    "noMatch": text.no_match,
    "pm": phrases.pm,
    "rx": rx,
    "streq": text.streq,
    "strmatch": text.contains,
    "unconditionalMatch": text.unconditional_match,
    "validateByteRange": validate.byte_range,
    "validateUrlEncoding": validate.url_encoding,
    "validateUtf8Encoding": validate.utf8_encoding,
    "within": text.within,
}
"""By SecLang name."""


def compile_operator(operator: Operator) -> CompiledOperator:
    """The compiled form of a rule's operator, negated where it says so.

    Raises KeyError for a name that is not in the table and ValueError for an argument that it cannot take.
    """
    compiled = OPERATORS[operator.name](operator.argument)
    if not operator.negated:
        return compiled
    test = compiled.test
    return CompiledOperator(lambda value: not test(value), negated=True)
