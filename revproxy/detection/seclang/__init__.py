"""SecLang, the language of ModSecurity rules: text -> faithful tree.

`load` reads files with what they include, through functions of the caller; `parse` reads one text. Both give a
`Tree`: its `statements`, in the order in which they apply, its `notices`, and `error`, which makes an error with a
caret for a place in the tree. Texts are bytes, and values in the tree are exactly the bytes of the file.

Rules: `Rule` (a SecRule with its chain, or a SecAction) has `Link`s, each with `Variable`s, an `Operator` and actions
(`RuleAction`: `Flag`, `Number`, `Words`, `Transformation`, `SetVar`, `ExpireVar`, `InitCol`, `Ctl`). Texts in which
references may stand are a `Macro` of bytes and `Reference`s; `Text.at` gives the place of each byte.
Changes: `UpdateTargets`, `UpdateActions`, `Removal`, with a `Selection` of rules. The rest: `Marker`,
`DefaultActions`, `Setting`, `Dataset`, and `Include` where `parse` was used.

`vocabulary` has the tables of all words and what becomes of each.
"""

from revproxy.detection.seclang.load import Glob, Read, Tree, load, parse
from revproxy.detection.seclang.tree import (
    By,
    Change,
    Ctl,
    Dataset,
    DefaultActions,
    ExpireVar,
    Flag,
    IdRange,
    Include,
    InitCol,
    Link,
    Macro,
    Marker,
    Notice,
    Number,
    Operator,
    Reference,
    Removal,
    Rule,
    RuleAction,
    Selection,
    Setting,
    SetVar,
    Statement,
    Text,
    Transformation,
    UpdateActions,
    UpdateTargets,
    Variable,
    Words,
)

__all__ = [
    "By",
    "Change",
    "Ctl",
    "Dataset",
    "DefaultActions",
    "ExpireVar",
    "Flag",
    "Glob",
    "IdRange",
    "Include",
    "InitCol",
    "Link",
    "Macro",
    "Marker",
    "Notice",
    "Number",
    "Operator",
    "Read",
    "Reference",
    "Removal",
    "Rule",
    "RuleAction",
    "Selection",
    "SetVar",
    "Setting",
    "Statement",
    "Text",
    "Transformation",
    "Tree",
    "UpdateActions",
    "UpdateTargets",
    "Variable",
    "Words",
    "load",
    "parse",
]
