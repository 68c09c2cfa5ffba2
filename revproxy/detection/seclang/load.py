"""Texts of SecLang -> tree, with the files that they include.

Text that is wrong raises RuleError, or ManyErrors when several things are; nothing else is ever raised, whatever the
text. Files are read by functions that the caller gives: this room does no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from revproxy.detection.seclang.directives import statement
from revproxy.detection.seclang.rules import Assembly
from revproxy.detection.seclang.source import Log, Source, logical_lines
from revproxy.detection.seclang.tree import Include, Notice, Statement
from revproxy.errors import LocatedError, Location, RuleError

DEPTH = 16
"""Files that include files."""
FILES = 2000
"""Files altogether, each time that one is included."""
TOTAL_BYTES = 64 * 1024 * 1024
"""All of them together."""
_PATTERN = frozenset("*?[")

Read = Callable[[str], bytes]
"""The contents of a file; raises OSError."""
Glob = Callable[[str], Iterable[str]]
"""The paths that fit a pattern, in any order; raises OSError."""


@dataclass(frozen=True, slots=True)
class Tree:
    """All statements in the order in which they apply, what was noted, and the texts for errors found later.

    `errors` is what was wrong, where `load` was asked not to raise it: statements are missing then.
    """

    statements: tuple[Statement, ...]
    notices: tuple[Notice, ...]
    sources: Mapping[str, Source]
    errors: tuple[LocatedError, ...] = ()

    def error(self, where: Location, message: str, hint: str = "") -> RuleError:
        """An error that shows its line and a caret."""
        source = self.sources.get(where.file)
        return RuleError(message, where, source.shown(where.line) if source else "", hint)


def parse(text: bytes, file: str) -> Tree:
    """One text; what it includes is left as `Include`. Raises RuleError or ManyErrors."""
    loader = _Loader(None, None)
    loader.text(text, file)
    return loader.tree()


def load(files: Iterable[str], read: Read, glob: Glob, raises: bool = True) -> Tree:
    """Several files in their order, each with what it includes. Raises RuleError or ManyErrors; without `raises` the
    tree has the errors, and lowering raises them together with those that it finds itself.

    Paths of Include are relative to the file that they stand in.
    """
    loader = _Loader(read, glob)
    for file in files:
        loader.file(file, Location(file))
    return loader.tree(raises)


class _Loader:
    def __init__(self, read: Read | None, glob: Glob | None) -> None:
        self._read = read
        self._glob = glob
        self._log = Log()
        self._assembly = Assembly(self._log)
        self._statements: list[Statement] = []
        self._open: list[str] = []
        self._files = 0
        self._bytes = 0

    def tree(self, raises: bool = True) -> Tree:
        log = self._log
        if raises:
            log.check()
        return Tree(tuple(self._statements), tuple(log.notices), log.sources, tuple(log.errors))

    def file(self, file: str, where: Location) -> None:
        """Read a file that is named at `where`."""
        if file in self._open:
            self._log.wrong(where, f"{file} includes itself", " -> ".join((*self._open, file)))
        elif len(self._open) >= DEPTH:
            self._log.wrong(where, f"files include each other more than {DEPTH} deep")
        elif self._files >= FILES:
            if self._files == FILES:
                self._log.wrong(where, f"more than {FILES} files")
            self._files += 1
        elif (text := self._contents(file, where)) is not None:
            self._files += 1
            self._open.append(file)
            self.text(text, file)
            self._open.pop()

    def text(self, text: bytes, file: str) -> None:
        """Read a text."""
        source = self._log.sources.setdefault(file, Source(text, file))
        empty = True
        for line in logical_lines(source, self._log):
            empty = False
            if self._log.full:
                return
            found = statement(line, self._assembly, self._log)
            if isinstance(found, Include) and self._read:
                self._include(found, file)
            elif found is not None:
                self._statements.append(found)
        self._assembly.other()
        if empty:
            self._log.note(Location(file), "there is nothing in this file")

    def _contents(self, file: str, where: Location) -> bytes | None:
        assert self._read is not None
        try:
            text = self._read(file)
        except OSError as error:
            self._log.wrong(where, f"{file} cannot be read: {error.strerror or error}")
            return None
        self._bytes += len(text)
        if self._bytes > TOTAL_BYTES:
            self._log.wrong(where, f"the files are larger than {TOTAL_BYTES} bytes")
            return None
        return text

    def _include(self, include: Include, file: str) -> None:
        named = include.path.value.decode("utf-8", "surrogateescape")
        path = str(PurePosixPath(file).parent / named)
        for found in self._found(path, include):
            self.file(found, include.path.where)
            if self._log.full:
                return

    def _found(self, path: str, include: Include) -> list[str]:
        """The files that a path means."""
        assert self._glob is not None
        if not include.optional and not _PATTERN.intersection(path):
            return [path]
        try:
            found = sorted(self._glob(path))
        except OSError as error:
            self._log.wrong(include.path.where, f"{path} cannot be read: {error.strerror or error}")
            return []
        if not found and not include.optional:
            self._log.wrong(include.path.where, f"no file fits {path}", "IncludeOptional takes none, too")
        return found
