"""What libmodsecurity 3 has in its variables for a request and an answer.

Each variable is logged by rules that match always: its values in hexadecimal, and the names of these values. The
library runs in a process of its own: what hostile bytes do to its memory stays there.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Pairs = list[tuple[bytes, bytes]]
"""Key (nothing where there is none) and value of each value of a variable, sorted."""

_HEAD = """
SecRuleEngine DetectionOnly
SecRequestBodyAccess On
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html
SecAuditEngine Off
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\\+|/)|text/)xml" \\
    "id:1,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" \\
    "id:2,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
"""
# What a rule accepts is appended to two variables, for each value, and those are logged.
_RULES = """
SecAction "id:{0},phase:{phase},pass,nolog,setvar:'tx.values=S',setvar:'tx.names=S'"
SecRule {variable} "@unconditionalMatch" "id:{1},phase:{phase},pass,nolog,t:hexEncode,\\
    setvar:'tx.values=%{{tx.values}}-%{{MATCHED_VAR}}',setvar:'tx.names=%{{tx.names}}{mark}%{{MATCHED_VAR_NAME}}'"
SecRule TX:names "@unconditionalMatch" \\
    "id:{2},phase:{phase},pass,log,msg:'seen',t:hexEncode,logdata:'%{{tx.values}} %{{MATCHED_VAR}}'"
"""
_MARK = "~|~"
"""Stands before each name; there is none in the names of any test."""


@dataclass(frozen=True)
class Message:
    """A request and what was answered."""

    method: bytes
    target: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes = b""
    answer_headers: Sequence[tuple[bytes, bytes]] = ()
    answer: bytes = b""


class Variables:
    """Some variables of phase BODY and some of phase REPLY_BODY."""

    def __init__(self, request: Sequence[str], answer: Sequence[str]) -> None:
        # libxml2 tells stderr of every document that is none.
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._tell((list(request), list(answer)))

    def __call__(self, given: Message) -> dict[str, Pairs]:
        """The values by variable."""
        parts = (
            given.method,
            given.target,
            list(given.headers),
            given.body,
            list(given.answer_headers),
            given.answer,
        )
        self._tell(parts)
        assert self._process.stdout is not None
        told: dict[str, str] = pickle.load(self._process.stdout)
        return {variable: _pairs(data) for variable, data in told.items()}

    def close(self) -> None:
        """Let the process end."""
        self._process.kill()
        self._process.communicate()

    def _tell(self, what: object) -> None:
        assert self._process.stdin is not None
        pickle.dump(what, self._process.stdin)
        self._process.stdin.flush()


def _pairs(data: str) -> Pairs:
    values, names = data.split(" ")
    told = bytes.fromhex(names).split(_MARK.encode())[1:]
    return sorted(
        (b"" if name.startswith(b"XML") else name.partition(b":")[2], bytes.fromhex(value))
        for name, value in zip(told, values.split("-")[1:], strict=True)
    )


class _Library:
    """In the process of its own: rules, and what they say of a transaction."""

    def __init__(self, request: Sequence[str], answer: Sequence[str]) -> None:
        import libmodsecurity

        self._library: Any = libmodsecurity
        self._engine = libmodsecurity.ModSecurity()
        self._engine.set_log_callback(lambda line: None)
        self._rules = libmodsecurity.RulesSet()
        self._names: dict[int, str] = {}
        text = _HEAD
        for phase, variables in ((2, request), (4, answer)):
            for variable in variables:
                at = 100 + 3 * len(self._names)
                self._names[at + 2] = variable
                text += _RULES.format(at, at + 1, at + 2, phase=phase, variable=variable, mark=_MARK)
        if self._rules.load(text) < 0:
            raise ValueError(self._rules.get_parser_error())

    def __call__(
        self,
        method: bytes,
        target: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        answer_headers: Sequence[tuple[bytes, bytes]],
        answer: bytes,
    ) -> dict[str, str]:
        tx = self._library.Transaction(self._engine, self._rules)
        tx.process_connection("192.0.2.1", 4711, "192.0.2.80", 443)
        tx.process_uri(target, method, b"1.1")
        for name, value in headers:
            tx.add_request_header(name, value)
        tx.process_request_headers()
        if body:
            tx.append_request_body(body)
        tx.process_request_body()
        for name, value in answer_headers:
            tx.add_response_header(name, value)
        tx.process_response_headers(200, b"HTTP/1.1")
        if answer:
            tx.append_response_body(answer)
        tx.process_response_body()
        return {self._names[m.rule_id]: m.data for m in tx.get_rule_messages() if m.rule_id in self._names}


def main() -> None:
    """Serve until the parent closes."""
    library = _Library(*pickle.load(sys.stdin.buffer))
    while True:
        try:
            parts = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(library(*parts), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
