"""The exclusions of a configuration, as the rules that they mean: ids, tags and fields looked up when it is loaded.

What names no rule, or a field that none of these rules looks at, is an error at its place. Which exclusions apply to
a request is decided in `proxy.http.exclusions`, to a message by its domain; what they do in `detection.engine`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from revproxy.app.excluded import Excluded
from revproxy.config import Blame, Settings, settings
from revproxy.config.reader import Place
from revproxy.detection.operators.rx import rx
from revproxy.detection.rules import FIELDS, Exclusion, Rule, Target, alike
from revproxy.detection.sigyaml.vocabulary import Misread, target
from revproxy.errors import ConfigError, ManyErrors
from revproxy.model import Protocol

if TYPE_CHECKING:
    from revproxy.proxy.http import Placed

_RANGE = re.compile(r"([0-9]{1,18}) ?- ?([0-9]{1,18})", re.ASCII)
_NAMES = ".names"
_VARIABLES = {
    spec.seclang: name.removesuffix(".plain").removesuffix(".decoded")
    for name, spec in FIELDS.items()
    if spec.seclang
}
"""The field that a person means who writes a variable of SecLang."""


def _placed(made: Exclusion, hosts: tuple[str, ...], path: str) -> Placed:
    # Imported here: most configurations leave nothing out, and rules are read by processes that serve nobody.
    from revproxy.proxy.http import Placed

    return Placed(made, hosts, path)


def read_exclusions(wanted: Settings, rules: Sequence[Rule], blame: Blame) -> Excluded:
    """Look up all of them among these rules, those that are never reached too. Raises ManyErrors."""
    web, mail = (_Rules([r for r in rules if p in r.protocols], blame, str(p)) for p in Protocol)
    both = _Rules(rules, blame, "")
    common = both.read(wanted.inspection.exclusions, ("inspection", "exclusions"))
    everywhere = tuple(_placed(made, one.hosts, one.path) for one, made in common)
    routes = {
        route.name: tuple(
            _placed(made, (), one.path) for one, made in web.read(route.exclusions, ("routes", i, "exclusions"))
        )
        for i, route in enumerate(wanted.routes)
    }
    domains = {
        one.domain: tuple(
            made for _, made in mail.read(one.exclusions, ("mail", "domains", one.domain, "exclusions"))
        )
        for one in wanted.mail.domains
    }
    if wrong := [*both.wrong, *web.wrong, *mail.wrong]:
        raise ManyErrors(sorted(wrong, key=lambda error: (error.where.file, error.where.line, error.where.column)))
    anywhere = tuple(made for one, made in common if not one.hosts and one.path == "/")
    return Excluded(
        {name: (*own, *everywhere) for name, own in routes.items()},
        {name: (*own, *anywhere) for name, own in domains.items()},
        everywhere,
    )


class _Rules:
    """The rules of one protocol, or of all, to choose from. `wrong` is what was wrong with what was asked."""

    def __init__(self, rules: Sequence[Rule], blame: Blame, protocol: str) -> None:
        self._rules = {rule.id: rule for rule in rules}
        self._tags: dict[str, set[str]] = {}
        for rule in rules:
            for tag in rule.tags:
                self._tags.setdefault(tag, set()).add(rule.id)
        self._blame = blame
        self._of = f" for {protocol}" if protocol else ""
        self.wrong: list[ConfigError] = []

    def read(self, asked: Sequence[settings.Exclusion], place: Place) -> list[tuple[settings.Exclusion, Exclusion]]:
        """Each with what it comes to. One with errors comes to something, too."""
        return [(one, self._read(one, (*place, i))) for i, one in enumerate(asked)]

    def _read(self, asked: settings.Exclusion, place: Place) -> Exclusion:
        before = len(self.wrong)
        chosen = self._each(asked.rules, self._by_id, (*place, "rules"))
        chosen |= self._each(asked.tags, self._by_tag, (*place, "tags"))
        ids = frozenset(chosen if asked.rules or asked.tags else self._rules)
        looked_at = {
            t.field for name in ids for c in self._rules[name].conditions for t in c.targets if not t.exclude
        }
        targets: list[Target] = []
        for i, word in enumerate(asked.fields):
            found = self._target(word, (*place, "fields", i))
            targets += found
            if found and len(self.wrong) == before and looked_at.isdisjoint(t.field for t in found):
                self._note(f"none of these rules looks at `{found[0].field}`", (*place, "fields", i))
        return Exclusion(ids, tuple(targets))

    def _each(self, words: Iterable[str], choose: Callable[[str, Place], Iterable[str]], place: Place) -> set[str]:
        return {name for i, word in enumerate(words) for name in choose(word, (*place, i))}

    def _by_id(self, word: str, place: Place) -> Iterable[str]:
        if word in self._rules:
            return (word,)
        span = _RANGE.fullmatch(word)
        if span is None:
            self._note(f"there is no rule {word!r}{self._of}", place, meant(word, self._rules))
            return ()
        low, high = int(span[1]), int(span[2])
        found = [name for name in self._rules if name.isascii() and name.isdigit() and low <= int(name) <= high]
        if not found:
            self._note(f"there is no rule from {low} to {high}{self._of}", place)
        return found

    def _by_tag(self, word: str, place: Place) -> Iterable[str]:
        tags: Iterable[str] = (word,) if word in self._tags else ()
        if len(word) > 1 and word[0] == word[-1] == "/":
            try:
                test = rx(word[1:-1]).test
            except ValueError as error:
                self._note(str(error), place)
                return ()
            tags = [tag for tag in self._tags if test(tag.encode("utf-8", "surrogateescape"))]
        found = {name for tag in tags for name in self._tags[tag]}
        if not found:
            self._note(f"there is no rule{self._of} with the tag {word!r}", place, meant(word, self._tags))
        return found

    def _target(self, word: str, place: Place) -> tuple[Target, ...]:
        """The field, and those with the same values in another form; none, with an error, for what is no field."""
        name, colon, key = word.partition(":")
        # `archive.names` is a field with keys, `args.names` are the keys of one.
        own = not colon or (name in FIELDS and FIELDS[name].keyed)
        base = name if own else name.removesuffix(_NAMES)
        try:
            found = target(base + colon + key)
        except Misread as error:
            known = _VARIABLES.get(name)
            self._note(error.message, place, f"{name} is `{known}` here" if known else error.hint)
            return ()
        if found.exclude or found.count:
            self._note("a field that is left out is written without ! and count()", place)
            return ()
        return alike(found if base == name else Target(name, found.key, found.pattern))

    def _note(self, message: str, place: Place, hint: str = "") -> None:
        self.wrong.append(self._blame(message, place, hint))


def meant(word: str, known: Iterable[str]) -> str:
    """A hint; all ids are too many for one."""
    close = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else "`revproxy signatures list` tells which there are"
