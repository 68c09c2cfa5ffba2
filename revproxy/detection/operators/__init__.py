"""Operators: tests of one value. The table of their names, and how a rule's operator is compiled.

Names are those of SecLang, exactly. A factory takes the argument as written and gives a `CompiledOperator`; it raises
ValueError (`ArgumentError`, with the place in the argument where that is known) for one that it cannot take. Nothing
fails after that. No operator reads a file: `with_content` makes `pm` of `pmFromFile` and its like.
"""

from __future__ import annotations

from revproxy.detection.operators import addresses, injection, numbers, phrases, text, validate, verify
from revproxy.detection.operators.base import ArgumentError, Captures, CompiledOperator, Factory, Test
from revproxy.detection.operators.files import FILE_OPERATORS, with_content
from revproxy.detection.operators.injection import libinjection_source
from revproxy.detection.operators.restpath import restpath
from revproxy.detection.operators.rx import rx, rx_global
from revproxy.detection.rules import Operator

__all__ = [
    "FILE_OPERATORS",
    "OPERATORS",
    "ArgumentError",
    "Captures",
    "CompiledOperator",
    "Factory",
    "Test",
    "compile_operator",
    "libinjection_source",
    "with_content",
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
    "restpath": restpath,
    "rx": rx,
    "rxGlobal": rx_global,
    "streq": text.streq,
    "strmatch": text.contains,
    "unconditionalMatch": text.unconditional_match,
    "validateByteRange": validate.byte_range,
    "validateNid": verify.validate_nid,
    "validateUrlEncoding": validate.url_encoding,
    "validateUtf8Encoding": validate.utf8_encoding,
    "verifyCC": verify.verify_cc,
    "verifyCPF": verify.verify_cpf,
    "verifySSN": verify.verify_ssn,
    "verifySVNR": verify.verify_svnr,
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
