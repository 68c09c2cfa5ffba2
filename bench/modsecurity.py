"""libmodsecurity in this process, to be timed beside us: phases 1 and 2 of requests that were split beforehand."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import libmodsecurity

Split = tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]
"""(method, target, header fields, body)"""


def split(raw: bytes) -> Split:
    """A raw request as a web server hands it over."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.split(b" ", 2)
    fields = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    return method, target, fields, body


def _ignore(line: str) -> None:
    """Without a callback every line of its log goes to stderr."""


class Theirs:
    """A rule set in libmodsecurity (`inspect.Contestant`)."""

    name = "libmodsecurity"

    def __init__(self, before: str, files: list[Path]) -> None:
        """Raises ValueError with what its parser says."""
        self._engine: Any = libmodsecurity.ModSecurity()
        self._engine.set_log_callback(_ignore)
        self._rules: Any = libmodsecurity.RulesSet()
        done = self._rules.load(before + "\n")
        for file in files:
            done = min(done, self._rules.load_from_uri(str(file)))
        if done < 0:
            raise ValueError(self._rules.get_parser_error())

    def run(self, raws: list[bytes]) -> tuple[list[float], int]:
        """(microseconds of CPU time for each, how many rules fired for the last one)"""
        times = []
        fired = 0
        for method, target, fields, body in map(split, raws):
            began = time.process_time_ns()
            tx = libmodsecurity.Transaction(self._engine, self._rules)
            tx.process_connection("192.0.2.1", 40000, "192.0.2.2", 80)
            tx.process_uri(target, method, b"1.1")
            for name, value in fields:
                tx.add_request_header(name, value)
            tx.process_request_headers()
            tx.intervention()
            if body:
                tx.append_request_body(body)
            tx.process_request_body()
            tx.intervention()
            times.append((time.process_time_ns() - began) / 1e3)
            fired = len(tx.get_rule_messages())
        return times, fired
