"""The table of the operators' names, and how a rule's operator is compiled.

Names are those of SecLang, exactly. A factory takes the argument as written and gives a `CompiledOperator`; it raises
ValueError (`ArgumentError`, with the place in the argument where that is known) for one that it cannot take. Nothing
fails after that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

from revproxy.detection.operators import addresses, injection, numbers, phrases, text, validate, verify
from revproxy.detection.operators.base import Argument, CompiledOperator, Factory
from revproxy.detection.operators.restpath import restpath
from revproxy.detection.operators.rx import from_texts, rx, rx_global, rx_texts
from revproxy.detection.operators.texts import Texts
from revproxy.detection.rules import Operator

OPERATORS: dict[str, Factory] = {
    "beginsWith": text.begins_with,
    "contains": text.contains,
    "containsWord": text.contains_word,
    "detectSQLi": injection.detect_sqli,
    "detectShell": injection.detect_shell,
    "detectSQL": injection.detect_sql,
    "detectTemplate": injection.detect_template,
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
"""By SecLang name; `detectShell`, `detectSQL` and `detectTemplate` are for signatures."""

_TEXTS: dict[str, Callable[[Argument], Texts]] = {
    "pm": phrases.pm_texts,
    "rx": rx_texts,
}
"""Operators that are one pattern: reading it takes nearly all the time of compiling them."""
_NO_TEXTS: Mapping[Operator, Texts] = MappingProxyType({})


def operator_texts(operator: Operator) -> Texts | None:
    """What `compile_operator` would otherwise have to work out, to be kept beside the rules; None where that is
    little, or known only when the template is filled in. Raises ValueError as `compile_operator` does."""
    texts = _TEXTS.get(operator.name)
    return None if texts is None or operator.template else texts(operator.argument)


def compile_operator(operator: Operator, known: Mapping[Operator, Texts] = _NO_TEXTS) -> CompiledOperator:
    """The compiled form of a rule's operator, negated where it says so. `known`: see `operator_texts`.

    Raises KeyError for a name that is not in the table and ValueError for an argument that it cannot take.
    """
    texts = known.get(operator)
    compiled = from_texts(texts) if texts is not None else OPERATORS[operator.name](operator.argument)
    if not operator.negated:
        return compiled
    test = compiled.test
    return CompiledOperator(lambda value: not test(value), negated=True)


@lru_cache(maxsize=8192)
def check_operator(operator: Operator) -> None:
    """Raises what `compile_operator` raises. What can be compiled is found out once: rules are checked before they
    are folded, and when they are linked."""
    compile_operator(operator)
