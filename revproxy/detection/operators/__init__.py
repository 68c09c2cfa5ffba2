"""Operators: tests of one value. `table` has their names; no operator reads a file: `with_content` makes `pm` of
`pmFromFile` and its like.

The names are loaded when they are asked for: a linked rule set can be read without any operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from revproxy.lazily import loader

if TYPE_CHECKING:
    from revproxy.detection.operators.base import ArgumentError, Captures, CompiledOperator, Factory, Test
    from revproxy.detection.operators.files import FILE_OPERATORS, with_content
    from revproxy.detection.operators.injection import libinjection_source
    from revproxy.detection.operators.table import OPERATORS, check_operator, compile_operator, operator_texts
    from revproxy.detection.operators.texts import Texts

__all__ = [
    "FILE_OPERATORS",
    "OPERATORS",
    "ArgumentError",
    "Captures",
    "CompiledOperator",
    "Factory",
    "Test",
    "Texts",
    "check_operator",
    "compile_operator",
    "libinjection_source",
    "operator_texts",
    "with_content",
]

__getattr__ = loader(
    __name__,
    {
        "base": ("ArgumentError", "Captures", "CompiledOperator", "Factory", "Test"),
        "files": ("FILE_OPERATORS", "with_content"),
        "injection": ("libinjection_source",),
        "table": ("OPERATORS", "check_operator", "compile_operator", "operator_texts"),
        "texts": ("Texts",),
    },
)
