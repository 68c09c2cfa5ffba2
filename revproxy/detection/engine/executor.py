"""Rules run exactly: targets, values, transformations, operators, chains, effects.

What a rule means is decided here and nowhere else; scanning only says which rules cannot match. Invariants: the order
of targets, and of values within a field, is the order in which they are tried; the first accepted value names the
finding, except that a condition on `matched` names it more exactly; effects are carried out for each accepted value
at once. Scores and findings of a transaction do not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from revproxy.detection.engine.effects import Doing, doing
from revproxy.detection.engine.lists import many
from revproxy.detection.engine.reading import Selector, Text, gathering
from revproxy.detection.engine.sieving import MANY
from revproxy.detection.engine.state import NOTHING, Accepted, Lost, Rows, Scene, State
from revproxy.detection.engine.turns import LONG_BYTES, turn
from revproxy.detection.link.captures import refers_to_last
from revproxy.detection.link.chosen import Chooser
from revproxy.detection.link.sieves import COSTLY, Place
from revproxy.detection.operators import Captures, CompiledOperator, Texts, compile_operator
from revproxy.detection.operators.base import ArgumentError
from revproxy.detection.rules import MATCHED, MATCHED_ONE, PSEUDO, VARIABLES, Condition, Operator, Reference, Rule
from revproxy.detection.transformations import TRANSFORMATIONS
from revproxy.model import Fields

EXCERPT_BYTES: Final = 512
"""Most bytes of a value that a finding carries."""
_LEAD: Final = 128
"""Of these, so many before the match."""
REFUSED: Final = 64
"""Most values of which a condition remembers that it does not accept them; beyond, it begins anew."""
SIEVED: Final = 16
"""Of so many at once it remembers also those that a sieve ruled out; of more, all would push each other out."""
SHORT_BYTES: Final = 128
"""It does not remember longer ones. The name of a browser is shorter, and is looked at by many rules."""
_NO_TEXTS: Final[Mapping[Operator, Texts]] = MappingProxyType({})
_TELLING: Final = frozenset({MATCHED, MATCHED_ONE, VARIABLES})
"""What texts may refer to that holds accepted values, or what was captured of them."""
_NOTHING_LOST: Final[tuple[Lost, ...]] = ()
_GROUPS: Final = tuple(b"%d" % number for number in range(10))
"""The variables that captures fill."""


@lru_cache(maxsize=1024)
def _filled_in(operator: Operator, text: bytes) -> CompiledOperator | None:
    """The operator with its template filled in; None when it cannot take that: it accepts nothing then."""
    try:
        return compile_operator(Operator(operator.name, text.decode("utf-8", "surrogateescape"), operator.negated))
    except ArgumentError:
        return None


class Step:
    """One condition. `only_first` when nothing looks at the other accepted values and nothing happens for them."""

    __slots__ = (
        "_capture",
        "_chain",
        "_clears",
        "_doings",
        "_every",
        "_gathering",
        "_late",
        "_many",
        "_only_first",
        "_operators",
        "_refused",
        "_selectors",
        "on_matched",
        "place",
    )

    def __init__(
        self,
        condition: Condition,
        only_first: bool,
        doings: Sequence[Doing],
        texts: Mapping[Operator, Texts] = _NO_TEXTS,
        place: Place | None = None,
    ) -> None:
        """`place`: under which its sieve is known, if it may have one."""
        self.place = place
        excluded = [t for t in condition.targets if t.exclude]
        chosen = [t for t in condition.targets if not t.exclude]
        self.on_matched = any(t.field == MATCHED for t in chosen)
        self._selectors = [Selector(t, excluded) for t in chosen]
        self._gathering = gathering(condition.targets)
        self._chain = [TRANSFORMATIONS[name] for name in condition.transformations]
        self._many = [many(name) for name in condition.transformations] if place and not condition.every_step else []
        self._late = [(o, Text(o.template)) for o in condition.operators if o.template]
        self._operators = [compile_operator(o, texts) for o in condition.operators if not o.template]
        alone = len(condition.operators) == 1 and not self._late and not self._chain
        self._clears = self._operators[0].clears if alone else None
        self._every = condition.every_step
        self._refused: set[bytes] = set()
        """Short values that no operator accepts: names and numbers come again and again."""
        self._capture = condition.capture
        for operator in self._operators if condition.capture else ():
            operator.ready()
        self._doings = tuple(doings)
        self._only_first = only_first and not doings and not condition.capture

    def accept(
        self,
        scene: Scene,
        before: Sequence[Accepted],
        without: Sequence[Lost] = _NOTHING_LOST,
    ) -> list[Accepted]:
        """The accepted values, or the first of them; `without` are targets that the rule has lost."""
        if not self._selectors:
            self._do(scene, NOTHING, ())
            return [NOTHING]
        operators = self._operators
        if self._late:
            late = [_filled_in(operator, text.filled(scene)) for operator, text in self._late]
            operators = [*operators, *(o for o in late if o is not None)]
        out: list[Accepted] = []
        shared = self._gathering
        if shared is not None and not without:
            self._try(scene, shared.rows(scene), operators, out)
            return out
        # What was done for the values of one target may change what the next one selects.
        for selector in self._selectors:
            self._try(scene, _rows(selector, scene, before, without), operators, out)
            if out and self._only_first:
                break
        return out

    def _try(self, scene: Scene, rows: Rows, operators: Sequence[CompiledOperator], out: list[Accepted]) -> None:
        """Add those that are accepted, and do what happens for them."""
        values = rows.values
        tried = self._tried(scene, values)
        formed = self._formed([values[at] for at in tried]) if self._many and len(tried) >= MANY else None
        refused = self._refused
        for number, at in enumerate(tried):
            if number & 15 == 15:
                turn()
            value = values[at]
            if value in refused:
                continue
            accepted = False
            for form in self._forms(value) if formed is None else (formed[number],):
                for operator in operators:
                    groups = self._captured(operator, form)
                    if groups is None:
                        continue
                    accepted = True
                    one = Accepted(rows.fields[at], rows.keys[at], form, operator)
                    out.append(one)
                    self._do(scene, one, groups)
                    if self._only_first:
                        return
                    break
            if not accepted:
                self._refuse(value)

    def _tried(self, scene: Scene, values: list[bytes]) -> Sequence[int]:
        """The numbers of those that are not ruled out at once."""
        if self._clears is not None and self._clears(b"\0".join(values)):
            return ()
        refused = self._refused
        left = [at for at, value in enumerate(values) if value not in refused] if refused else range(len(values))
        if self.place is None or scene.sieves is None or not scene.sieves.knows(self.place, len(left)):
            return left
        kept = scene.sieves.left(self.place, [values[at] for at in left])
        if len(left) <= SIEVED:
            for number, at in enumerate(left):
                if number not in kept:
                    self._refuse(values[at])
        return [left[number] for number in kept]

    def _formed(self, values: list[bytes]) -> list[bytes]:
        """Many values, transformed together."""
        for function in self._many:
            turn()
            values = function(values)
        return values

    def _captured(self, operator: CompiledOperator, form: bytes) -> Captures | None:
        """What the operator captures of a value that it accepts, where anybody asks for that; else None."""
        if self._capture and operator.captures is not None:
            # It captures something of whatever it accepts, so that no test is needed before.
            return operator.captures(form) or None
        return () if operator.test(form) else None

    def _refuse(self, value: bytes) -> None:
        if not self._late and len(value) <= SHORT_BYTES:
            if len(self._refused) >= REFUSED:
                self._refused.clear()
            self._refused.add(value)

    def _do(self, scene: Scene, accepted: Accepted, groups: Captures) -> None:
        """What happens for an accepted value."""
        state = scene.state
        if accepted is not NOTHING:
            state.last = accepted
        if groups:
            variables = state.variables
            for number, group in enumerate(groups):
                if group is not None:
                    variables[_GROUPS[number]] = group
            state.touch()
        for do in self._doings:
            do(scene)

    def _forms(self, value: bytes) -> Sequence[bytes]:
        long = len(value) > LONG_BYTES
        if not self._every:
            for function in self._chain:
                value = function(value)
                if long:
                    turn()
            return (value,)
        forms = [value]
        for function in self._chain:
            changed = function(value)
            if long:
                turn()
            if changed != value:
                forms.append(changed)
                value = changed
        return forms

    def original(self, accepted: Accepted, scene: Scene, before: Sequence[Accepted]) -> bytes:
        """The value as it stood before its transformations; as accepted where it is not there any more."""
        for selector in self._selectors:
            if selector.field in (accepted.field, MATCHED):
                keys, values = selector.selected(scene, before)
                for key, value in zip(keys, values, strict=True):
                    if key == accepted.key and accepted.value in self._forms(value):
                        return value
        return accepted.value

    def confirms(self, value: bytes) -> bool:
        """Whether some operator accepts this one value, whatever field it stands in; nothing happens for it."""
        for form in self._forms(value):
            for operator in self._operators:
                if operator.test(form):
                    return True
        return False

    def counting(self, name: str) -> Callable[[Sequence[bytes]], bool]:
        """For a condition that only counts values of the field `name`: whether it accepts their number, by keys."""

        def matches(keys: Sequence[bytes]) -> bool:
            fields = Fields()
            fields.put(name, keys, keys)
            scene = Scene(b"", fields, State({}))
            return any(
                o.test(f)
                for s in self._selectors
                for v in s.selected(scene, ())[1]
                for f in self._forms(v)
                for o in self._operators
            )

        return matches


MakeStep = Callable[[Condition, bool, Sequence[Doing], Mapping[Operator, Texts], Place | None], Step]
"""As `Step`."""


class Hit:
    """A rule that matched: which target, the part of the value around the match (nothing where it does not log),
    and what the rule says of it. `sources` are where that may come from: fields and keys."""

    __slots__ = ("data", "field", "key", "said", "sources", "value")

    def __init__(
        self,
        field: str,
        key: bytes,
        value: bytes,
        said: bytes = b"",
        data: bytes = b"",
        sources: tuple[tuple[str, bytes], ...] = (),
    ) -> None:
        self.field = field
        self.key = key
        self.value = value
        self.said = said
        self.data = data
        self.sources = sources


class Program:
    """One rule, ready to run. `at` is its position in the set."""

    __slots__ = ("_data", "_logs", "_quotes", "_said", "_says", "_tells", "at", "rule", "steps")

    def __init__(
        self,
        rule: Rule,
        at: int = 0,
        chooser: Chooser | None = None,
        last_matters: bool = False,
        texts: Mapping[Operator, Texts] = _NO_TEXTS,
        make_step: MakeStep = Step,
    ) -> None:
        """`chooser` knows all rules of the set, which effects may be about; `last_matters`: another rule may look at
        the value that this one accepts last; `texts`: see `RuleSet`; `make_step` makes the conditions."""
        chooser = chooser or Chooser((rule,))
        self.rule = rule
        self.at = at
        last = len(rule.conditions) - 1
        last_matters = last_matters or refers_to_last(rule)
        self._logs = rule.logs
        self._says = bool(rule.said or rule.data)
        self._said, self._data = Text(rule.said), Text(rule.data)
        quoted = [part for part in (*rule.said, *rule.data) if isinstance(part, Reference)]
        self._tells = any(part.field in _TELLING for part in quoted)
        self._quotes = [(part.field, part.key or b"") for part in quoted if part.field not in PSEUDO]
        self.steps = [
            make_step(
                c,
                not last_matters
                and (i == last or not any(t.field.startswith(MATCHED) for t in rule.conditions[i + 1].targets)),
                [doing(effect, chooser) for effect in c.effects],
                texts,
                (at, i) if any(o.name in COSTLY for o in c.operators) else None,
            )
            for i, c in enumerate(rule.conditions)
        ]

    def run(self, scene: Scene) -> Hit | None:
        """The hit, or None."""
        lost = scene.state.lost
        named: Accepted | None = None
        before: list[Accepted] = []
        seen: list[Accepted] = []
        for step in self.steps:
            last = scene.state.last
            before = step.accept(
                scene, before, [what for rules, what in lost if self.at in rules] if lost else _NOTHING_LOST
            )
            if not before:
                return None
            if named is None or step.on_matched:
                named = before[0]
            if self._tells:
                seen += before if before[0].field != MATCHED_ONE else [last]
        if named is None:
            return None
        shown = excerpt(named.value, named.operator) if self._logs else b""
        return self._saying(named, shown, seen, scene) if self._says else Hit(named.field, named.key, shown)

    def _saying(self, named: Accepted, shown: bytes, seen: Sequence[Accepted], scene: Scene) -> Hit:
        """The hit with message and data, as the last condition leaves things: what ModSecurity's records show."""
        said, data = self._said.filled(scene), self._data.filled(scene)
        sources = [*self._quotes, *[(a.field, a.key) for a in seen]]
        told = tuple(sources) if len(sources) < 2 else tuple(dict.fromkeys(sources))
        return Hit(named.field, named.key, shown, said[:EXCERPT_BYTES], data[:EXCERPT_BYTES], told)


def _rows(selector: Selector, scene: Scene, before: Sequence[Accepted], without: Sequence[Lost]) -> Rows:
    """What one target selects."""
    rows = Rows()
    keys, values = selector.selected(scene, before, without)
    if selector.field != MATCHED or selector.count:
        rows.add(selector.field, keys, values)
        return rows
    # Values of a chain keep the names that they were found under. Targets choose by key.
    chosen = set(keys)
    for one in before:
        if one.key in chosen:
            rows.add(one.field, (one.key,), (one.value,))
    return rows


def excerpt(value: bytes, operator: CompiledOperator | None) -> bytes:
    """At most `EXCERPT_BYTES` bytes of the value, with the beginning of the match inside."""
    if len(value) <= EXCERPT_BYTES:
        return value
    span = operator.span(value) if operator is not None else None
    at = span[0] if span is not None else 0
    first = max(0, min(at - _LEAD, len(value) - EXCERPT_BYTES))
    return value[first : first + EXCERPT_BYTES]
