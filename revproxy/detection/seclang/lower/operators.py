"""Operators of the tree to operators of rules: references, files and data sets filled in, arguments tried."""

from __future__ import annotations

from revproxy.detection.operators import FILE_OPERATORS, ArgumentError, check_operator, with_content
from revproxy.detection.rules import Operator
from revproxy.detection.seclang import tree
from revproxy.detection.seclang.lower.context import Context

_LITERAL = frozenset({"pm", "ipMatch", "validateByteRange", "restpath", "rx", "rxGlobal", *FILE_OPERATORS})
"""Operators in whose arguments `%{` is no reference: they are compiled once."""
_PATTERNS = frozenset({"rx", "rxGlobal"})
"""Those of them that libmodsecurity 3 compiles for each transaction: a reference in one is an error here. As the text
that it is in ModSecurity 2 and Coraza it would hardly ever match."""
_DATASETS = frozenset({"ipMatchFromDataset", "pmFromDataset"})


def operator_of(operator: tree.Operator, context: Context, rule: dict[str, bytes]) -> Operator | None:
    """The operator, or None when something is wrong with it, which is noted in the context."""
    name, macro = operator.name, operator.argument
    if name in _PATTERNS and not macro.fixed:
        first = next(part for part in macro.parts if isinstance(part, tree.Reference))
        message = f"@{name} takes no reference to a variable: patterns are made when rules are loaded"
        context.wrong(first.where, message, "compare texts with @streq, @contains or @within; \\%{ for text")
        return None
    if name in FILE_OPERATORS:
        made = _with_file(operator, context)
    elif macro.fixed or name in _LITERAL:
        made = Operator(name, _text(macro.text.value), operator.negated)
    else:
        return Operator(name, "", operator.negated, context.template(macro, rule))
    if made is None:
        return None
    try:
        check_operator(made)
    except ArgumentError as error:
        where = macro.text.where if error.offset is None or name in FILE_OPERATORS else macro.text.at(error.offset)
        context.wrong(where, f"@{name}: {error.message}")
        return None
    return made


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _with_file(operator: tree.Operator, context: Context) -> Operator | None:
    """With the phrases or addresses of every file or data set that is named."""
    text = operator.argument.text
    contents = []
    for word in text.value.split():
        if operator.name in _DATASETS:
            dataset = context.datasets.get(word)
            if dataset is None and context.torn:
                return None
            if dataset is None:
                context.wrong(text.where, f"there is no data set `{_text(word)}` before this rule")
                return None
            contents.append(b"\n".join(entry.value for entry in dataset.entries))
        else:
            content = context.content(word, text.where)
            if content is None:
                return None
            contents.append(content)
    return with_content(Operator(operator.name, "", operator.negated), b"\n".join(contents))
