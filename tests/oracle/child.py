"""The process in which libmodsecurity runs: frames in, frames out, on the socket whose descriptor is its argument.

The first frame holds the rules, as a list of ("text", rules) and ("file", path); the answer is an empty text or what
is wrong with them. Every other one is (transaction, whether log lines are wanted).
"""

from __future__ import annotations

import pickle
import resource
import socket
import sys
from typing import Any

import libmodsecurity

from tests.oracle.exchanges import Exchange
from tests.oracle.frames import read, write

_PORT = 40000
_SERVER = "192.0.2.2"
_ADDRESS_SPACE = 4 << 30
"""Bytes: what eats all memory dies here and takes nobody along."""


class Engine:
    """Rules, ready to look at transactions."""

    def __init__(self, parts: list[tuple[str, str]]) -> None:
        """Raises ValueError with what the parser says."""
        self._engine = libmodsecurity.ModSecurity()
        self._rules = libmodsecurity.RulesSet()
        self._lines: list[str] = []
        # Without a callback every line goes to stderr.
        self._engine.set_log_callback(self._lines.append)
        for kind, what in parts:
            # The parser wants a newline after the last line.
            done = self._rules.load(what + "\n") if kind == "text" else self._rules.load_from_uri(what)
            if done < 0:
                raise ValueError(self._rules.get_parser_error())

    def inspect(self, given: Exchange) -> tuple[list[int], int | None, list[str]]:
        """(ids of the rules that log, in order; status of the intervention; log lines).

        All phases, or after an intervention the last one only, as a server does.
        """
        self._lines.clear()
        tx = libmodsecurity.Transaction(self._engine, self._rules)
        status = None
        # Through the binding bytes stay as they are; text would become UTF-8.
        for step in (self._request_head, self._request_body, self._answer_head, self._answer_body):
            step(tx, given)
            intervention = tx.intervention()
            if intervention is not None:
                self._lines.append(intervention.log or "")
                status = intervention.status
                break
        tx.process_logging()
        return [message.rule_id for message in tx.get_rule_messages()], status, self._lines

    def _request_head(self, tx: Any, given: Exchange) -> None:
        tx.process_connection(given.client, _PORT, _SERVER, 80)
        tx.process_uri(given.target, given.method, given.version)
        for name, value in given.headers:
            tx.add_request_header(name, value)
        tx.process_request_headers()

    def _request_body(self, tx: Any, given: Exchange) -> None:
        if given.body:
            tx.append_request_body(given.body)
        tx.process_request_body()

    def _answer_head(self, tx: Any, given: Exchange) -> None:
        for name, value in given.answer_headers:
            tx.add_response_header(name, value)
        tx.process_response_headers(given.status, b"HTTP/1.1")

    def _answer_body(self, tx: Any, given: Exchange) -> None:
        if given.answer_body:
            tx.append_response_body(given.answer_body)
        tx.process_response_body()


def main() -> None:
    """Serve until the parent closes."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    channel = socket.socket(fileno=int(sys.argv[1]))
    try:
        engine = Engine(pickle.loads(read(channel)))
    except ValueError as error:
        write(channel, pickle.dumps(str(error) or "the rules cannot be loaded"))
        return
    write(channel, pickle.dumps(""))
    while frame := read(channel):
        given, explain = pickle.loads(frame)
        try:
            rules, status, lines = engine.inspect(Exchange(*given))
        except Exception as error:  # noqa: BLE001 - whatever the binding does not take is an answer
            write(channel, pickle.dumps(([], None, f"{type(error).__name__}: {error}", [])))
            continue
        write(channel, pickle.dumps((rules, status, "", lines if explain else [])))


if __name__ == "__main__":
    main()
