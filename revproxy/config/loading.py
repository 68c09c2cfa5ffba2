"""From a path to Settings, or to every error in one go.

Three steps, each only when the one before found nothing wrong: one tree of all files, dataclasses, checks across
them. Nothing is bound, connected or started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from revproxy.config.build import build
from revproxy.config.checks import Checks, Notice
from revproxy.config.reader import Place, Reader
from revproxy.config.settings import Settings
from revproxy.config.tree import Tree
from revproxy.errors import ConfigError, Location, ManyErrors

Blame = Callable[[str, Place, str], ConfigError]
"""(message, place, hint) -> the error; a place is the keys and positions that lead to a setting: `("control",
"path")`, `("listeners", 0, "bind")`."""

TEMPLATE = Path(__file__).parent / "template.yaml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A good configuration, the files that it was made of, and what a person may want to know."""

    settings: Settings
    notices: tuple[Notice, ...]
    files: tuple[Path, ...]
    blame: Blame
    """An error at a setting, for what is found wrong later."""


def load(path: str | PathLike[str], instead: Mapping[str, str] | None = None) -> Loaded:
    """Read and check a configuration; `instead` has texts that stand for files of it, by absolute path.

    Raises ConfigError when the file cannot be read or is no YAML, ManyErrors of ConfigErrors otherwise.
    """
    tree = Tree(Path(path), instead)
    reader = Reader(tree)
    fields = build(reader)
    _raise(tree)
    settings = Settings(**fields)
    checks = Checks(reader, settings)
    checks.run()
    _raise(tree)

    def blame(message: str, place: Place, hint: str = "") -> ConfigError:
        return tree.located(message, reader.nearest(place), hint)

    return Loaded(settings, tuple(checks.notices), tuple(tree.files), blame)


def nowhere(message: str, place: Place, hint: str = "") -> ConfigError:
    """A `Blame` for settings that were not read from a file: the setting's name is all that there is to say."""
    return ConfigError(message, Location(".".join(map(str, place))), hint=hint)


def template() -> str:
    """The annotated revproxy.yaml of `revproxy init`; its paths are relative to where it is put."""
    return TEMPLATE.read_text("utf-8")


def _raise(tree: Tree) -> None:
    if tree.errors:
        main = str(tree.files[0])
        errors = sorted(tree.errors, key=lambda e: (e.where.file != main, e.where.file, e.where.line, e.where.column))
        raise ManyErrors(errors)
