"""Turns of threads, for code that may be compiled.

Compiled code keeps the interpreter until it calls something that is not: a thread that inspects what is large would
hold up the loop for as long as it likes. This module is never compiled, and so a call of it is a turn.
"""

from __future__ import annotations

LONG_BYTES = 4096
"""What is done with more than this takes long enough for others to want their turn."""


def turn() -> None:
    """Let another thread go on that has waited for long enough; 60 ns where none has."""
