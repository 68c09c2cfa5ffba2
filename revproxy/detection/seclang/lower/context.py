"""What lowering carries along: errors and notices with their places, and the contents of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

from revproxy.detection.rules import Reference, Template
from revproxy.detection.seclang.load import Read, Tree
from revproxy.detection.seclang.lower.errors import Problem
from revproxy.detection.seclang.lower.fields import place_of_reference
from revproxy.detection.seclang.tree import Dataset, Macro, Notice
from revproxy.errors import Location, together

T = TypeVar("T")

ERRORS = 100
"""So many errors are reported."""


class Context:
    """One lowering. Errors are gathered, so that a person mends them in one go."""

    def __init__(self, tree: Tree, read: Read) -> None:
        self._tree = tree
        self._read = read
        self._errors = list(tree.errors)
        self._known = {error.where for error in tree.errors}
        self.torn = bool(tree.errors)
        """Statements are missing, since something was wrong with them: what is not there may be among them."""
        self._contents: dict[str, bytes] = {}
        self.datasets: dict[bytes, Dataset] = {}
        self.notices: list[Notice] = []

    def wrong(self, where: Location, message: str, hint: str = "") -> None:
        """Note an error, unless one was noted there when the text was read."""
        if len(self._errors) < ERRORS and where not in self._known:
            self._errors.append(self._tree.error(where, message, hint))

    def note(self, where: Location, message: str) -> None:
        """Note something that was taken but does not do what it does elsewhere."""
        self.notices.append(Notice(message, where))

    def check(self) -> None:
        """Raises RuleError or ManyErrors when something was wrong."""
        files = list(self._tree.sources)
        if self._errors:
            raise together(sorted(self._errors, key=lambda error: _order(error.where, files)))

    def attempt(self, where: Location, make: Callable[[], T]) -> T | None:
        """What `make` gives; None when it meets a Problem, which is noted here."""
        try:
            return make()
        except Problem as problem:
            self.wrong(problem.where or where, problem.message, problem.hint)
            return None

    def content(self, path: bytes, where: Location) -> bytes | None:
        """A file that a rule names, relative to the file of the rule; None when it cannot be read."""
        name = str(PurePosixPath(where.file).parent / path.decode("utf-8", "surrogateescape"))
        if name not in self._contents:
            try:
                self._contents[name] = self._read(name)
            except OSError as error:
                self.wrong(where, f"{name} cannot be read: {error.strerror or error}")
                return None
        return self._contents[name]

    def template(self, macro: Macro, rule: dict[str, bytes], logged: bool = False) -> Template:
        """The template of a text. `rule` has what `%{RULE.id}` and its like are.

        `logged`: it only goes to a log, where what is not there is an empty word, which is noted.
        """
        parts: list[bytes | Reference] = []
        for part in macro.parts:
            if isinstance(part, bytes):
                parts.append(part)
            elif part.variable == "RULE":
                parts.append(rule.get((part.key or b"").decode("latin-1").lower(), b""))
            else:
                try:
                    parts.append(Reference(*place_of_reference(part)))
                except Problem as problem:
                    if logged:
                        self.note(part.where, f"{problem.message}: nothing stands for it in the text")
                    else:
                        self.wrong(part.where, problem.message, problem.hint)
        return tuple(parts)


def _order(where: Location, files: Sequence[str]) -> tuple[int, int, int]:
    """Places in the order in which they are read; files that are not there come first."""
    return files.index(where.file) if where.file in files else -1, where.line, where.column
