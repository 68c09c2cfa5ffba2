"""Statements to rules, markers and settings.

Directives that change rules (SecRuleRemove..., SecRuleUpdate...) act on all rules of the tree, wherever they stand,
as in libmodsecurity 3. SecDefaultAction acts on the rules of its phase that come after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from revproxy.detection.rules import Marker, Rule, Target
from revproxy.detection.seclang import tree
from revproxy.detection.seclang.load import Read, Tree
from revproxy.detection.seclang.lower.context import Context
from revproxy.detection.seclang.lower.fields import target_of
from revproxy.detection.seclang.lower.rules import rule_of
from revproxy.detection.seclang.lower.settings import rules_of
from revproxy.detection.seclang.source import near


@dataclass(frozen=True, slots=True)
class Lowered:
    """What the texts come to. `settings` are directives for whoever fills fields and acts on verdicts, in order."""

    rules: tuple[Rule | Marker, ...]
    settings: tuple[tree.Setting, ...]
    notices: tuple[tree.Notice, ...]


def lower(parsed: Tree, read: Read) -> Lowered:
    """Lower a tree. `read` gives the contents of data files. Raises RuleError or ManyErrors."""
    context = Context(parsed, read)
    changes = _Changes(parsed.statements)
    defaults: dict[int, tree.DefaultActions] = {}
    rules: list[Rule | Marker] = []
    settings: list[tree.Setting] = []
    for statement in parsed.statements:
        match statement:
            case tree.DefaultActions(phase=phase):
                defaults[phase] = statement
            case tree.Dataset(name=name):
                context.datasets[name] = statement
            case tree.Marker(name=name):
                rules.append(Marker(name.decode("utf-8", "replace")))
            case tree.Setting():
                settings.append(statement)
            case tree.Rule() if not changes.removes(statement):
                links, more = changes.changed(statement, context)
                made = rule_of(statement, links, defaults.get(statement.phase), more, context)
                if made is not None:
                    rules.append(made)
            case _:
                pass
    if not context.torn:
        _jumps(parsed.statements, changes, context)
    context.check()
    return Lowered((*rules_of(settings), *rules), tuple(settings), (*parsed.notices, *context.notices))


def _jumps(statements: Sequence[tree.Statement], changes: _Changes, context: Context) -> None:
    """Where rules go on there is a marker, or a rule of that id, behind them."""
    places: dict[str, str] = {}
    for statement in reversed(statements):
        match statement:
            case tree.Marker(name=name):
                place = name.decode("utf-8", "replace")
                places[place.lower()] = place
            case tree.Rule() if not changes.removes(statement):
                for action in (a for link in statement.links for a in link.actions):
                    if isinstance(action, tree.Words) and action.name == "skipAfter":
                        wanted = action.value.text.value.decode("utf-8", "replace")
                        if wanted.lower() not in places:
                            context.wrong(
                                action.where, f"no marker `{wanted}` comes after this rule", near(wanted, places)
                            )
                places[str(statement.id)] = str(statement.id)
            case _:
                pass


def _tags(rule: tree.Rule) -> set[bytes]:
    return {a.value.text.value for a in rule.links[0].actions if isinstance(a, tree.Words) and a.name == "tag"}


def _message(rule: tree.Rule) -> bytes | None:
    found = [a.value.text.value for a in rule.links[0].actions if isinstance(a, tree.Words) and a.name == "msg"]
    return found[-1] if found else None


class _Changes:
    """The directives that change rules, by what they name."""

    def __init__(self, statements: Iterable[tree.Statement]) -> None:
        self._removals: list[tree.Selection] = []
        self._targets: list[tree.UpdateTargets] = []
        self._actions: dict[int, list[tree.UpdateActions]] = {}
        for statement in statements:
            match statement:
                case tree.Removal(rules=selection):
                    self._removals.append(selection)
                case tree.UpdateTargets():
                    self._targets.append(statement)
                case tree.UpdateActions(id=number):
                    self._actions.setdefault(number, []).append(statement)
                case _:
                    pass

    def removes(self, rule: tree.Rule) -> bool:
        """Whether a directive takes the rule out."""
        return any(_selects(selection, rule) for selection in self._removals)

    def changed(self, rule: tree.Rule, context: Context) -> tuple[Sequence[tree.Link], Sequence[Target]]:
        """The rule's links with changed actions, and the targets that its first link gains."""
        links = list(rule.links)
        for update in self._actions.get(rule.id, ()):
            if update.link >= len(links):
                context.wrong(update.where, f"rule {rule.id} has no link {update.link}")
                continue
            link = links[update.link]
            links[update.link] = replace(link, actions=(*link.actions, *update.actions))
        more: list[Target] = []
        for change in self._targets:
            if _selects(change.rules, rule):
                for variable in change.variables:
                    target = context.attempt(variable.where, partial(target_of, variable))
                    if target is not None:
                        more.append(target)
        return links, more


def _selects(selection: tree.Selection, rule: tree.Rule) -> bool:
    match selection.by:
        case tree.By.ID:
            return any(ids.first <= rule.id <= ids.last for ids in selection.ids)
        case tree.By.TAG:
            return selection.text is not None and selection.text.value in _tags(rule)
        case tree.By.MSG:
            return selection.text is not None and selection.text.value == _message(rule)
