"""What a process that links rules of others may take."""

from __future__ import annotations

import resource


def bound(memory_bytes: int, cpu_seconds: int) -> None:
    """Take no more address space and processor time than this from now on, and leave no core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
