"""Compiling rules takes up to half a minute the first time: what a person sees meanwhile, on standard error.

A bar on a terminal, which goes when it is done; a line now and then elsewhere. Results and exit codes know nothing of
it. One object may be used for several compilations, one after another, and be called from several threads.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Protocol

import click

EVERY = 5.0
"""Seconds between two lines where there is no terminal, and ..."""
AT_ONCE = 1.0
"""... until the first one."""


class _Shown(Protocol):
    def update(self, there: int, wanted: int) -> None: ...

    def close(self) -> None: ...


class Compiling:
    """Give it to whatever links rules (`detection.link.Told`)."""

    def __init__(self) -> None:
        self._shown: _Shown | None = None
        self._lock = threading.Lock()

    def __call__(self, there: int, wanted: int) -> None:
        """So many databases of so many are there."""
        with self._lock:
            if self._shown is None:
                self._shown = _Bar() if sys.stderr.isatty() else _Lines()
            self._shown.update(there, wanted)
            if there == wanted:
                self._close()

    def __enter__(self) -> Compiling:
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever happened: no bar is left on the terminal."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._shown is not None:
            self._shown.close()
            self._shown = None


class _Lines:
    """Nothing for what is done at once."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._there = self._wanted = 0
        self._next = 0.0
        self._timer = threading.Timer(AT_ONCE, self._first)
        self._timer.daemon = True
        self._timer.start()

    def _first(self) -> None:
        self._next = EVERY
        click.echo(f"compiling rules, which is done once: {self._there} of {self._wanted} databases", err=True)

    def update(self, there: int, wanted: int) -> None:
        self._there, self._wanted = there, wanted
        took = time.monotonic() - self._began
        if not self._next or (there < wanted and took < self._next):
            return
        self._next = took + EVERY
        done = there == wanted
        click.echo(
            f"rules are compiled, after {took:.0f} s" if done else f"compiling rules: {there} of {wanted}", err=True
        )

    def close(self) -> None:
        self._timer.cancel()


class _Bar:
    def __init__(self) -> None:
        # Imported here: seldom needed, and of some weight.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("compiling rules"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=None)
        self._progress.start()

    def update(self, there: int, wanted: int) -> None:
        self._progress.update(self._task, completed=there, total=wanted)

    def close(self) -> None:
        self._progress.stop()
