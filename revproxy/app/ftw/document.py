"""go-ftw files to tests: both schemas, with and without `stage` around input and output.

Every file is read to its end and all that is wrong is raised at once, each with its place. An unknown word within an
input or an output is an error, since a runner that passes over an expectation says "passed" too often.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from revproxy.app.ftw.model import FtwTest, Headers, Input, Output, Stage
from revproxy.app.ftw.nodes import Read, YamlFile, boolean, encoded, number, octets, pattern, several, text
from revproxy.errors import LocatedError, Location, ManyErrors

_INPUT_WORDS = {
    "method": "method",
    "uri": "uri",
    "version": "version",
    "data": "data",
    "encoded_data": "data",
    "encoded_request": "whole",
    "raw_request": "whole",
    "autocomplete_headers": "autocomplete",
    "save_cookie": "save_cookie",
    "follow_redirect": "follow_redirect",
    "virtual_host_mode": "virtual_host",
}
"""Words of a file that go into an `Input` as they are, and their names there."""


def load(files: Iterable[tuple[str, str]]) -> list[FtwTest]:
    """The tests of (file name, text), in order. Raises ManyErrors."""
    tests: list[FtwTest] = []
    errors: list[LocatedError] = []
    first: dict[str, Location] = {}
    for name, content in files:
        reader = _Reader(YamlFile(name, content))
        tests += reader.tests()
        errors += reader.file.errors
    for test in tests:
        if test.id in first:
            errors.append(LocatedError(f"test {test.id} stands twice, first at {first[test.id]}", test.where))
        first.setdefault(test.id, test.where)
    if errors:
        raise ManyErrors(errors)
    return tests


def _anything(node: Node) -> Node:
    return node


def _header_map(node: Node) -> Headers:
    """Sorted by name: so go-ftw makes the order of a mapping a fixed one."""
    if not isinstance(node, MappingNode):
        raise ValueError("a mapping of names to values is expected")
    pairs = [(text(key), text(value)) for key, value in node.value]
    return tuple(sorted(pairs, key=_name))


def _name(pair: tuple[str, str]) -> bytes:
    return pair[0].encode("utf-8", "surrogatepass")


class _Reader:
    """Reads one file."""

    def __init__(self, file: YamlFile) -> None:
        self.file = file
        ids = several(text)
        self._inputs: dict[str, Read] = {
            **dict.fromkeys(("method", "uri", "version", "protocol", "dest_addr"), text),
            **dict.fromkeys(("data", "raw_request"), octets),
            **dict.fromkeys(("encoded_data", "encoded_request"), encoded),
            **dict.fromkeys(("autocomplete_headers", "stop_magic", "save_cookie", "follow_redirect"), boolean),
            "virtual_host_mode": boolean,
            "port": number,
            "uris": several(text),
            "headers": _header_map,
            "ordered_headers": several(self._header),
            "response": _anything,
        }
        self._outputs: dict[str, Read] = {
            "status": several(number, single=True),
            "response_contains": octets,
            **dict.fromkeys(("expect_error", "retry_once", "isolated"), boolean),
            **dict.fromkeys(("log_contains", "no_log_contains"), pattern),
            "log": self._log,
        }
        self._logs: dict[str, Read] = {
            **dict.fromkeys(("expect_ids", "no_expect_ids"), ids),
            **dict.fromkeys(("match_regex", "no_match_regex"), pattern),
        }

    def tests(self) -> list[FtwTest]:
        """All tests of the file, without what is wrong, which is noted."""
        root = self.file.root
        if root is None:
            return []
        words: dict[str, Read] = {"rule_id": text, "meta": _anything, "tests": _anything}
        found = self.file.read(root, words, lenient=True)
        listed = found.get("tests")
        if not isinstance(listed, SequenceNode):
            if isinstance(root, MappingNode):
                self.file.wrong(root, "a file of tests has a list `tests`")
            return []
        rule = found.get("rule_id") or _digits(PurePath(self.file.name).stem)
        disabled = "disabled in its file" if self._disabled(found.get("meta")) else ""
        made = (self._test(node, rule, index, disabled) for index, node in enumerate(listed.value, 1))
        return [test for test in made if test is not None]

    def _disabled(self, meta: Node | None) -> bool:
        if not isinstance(meta, MappingNode):
            return False
        return self.file.read(meta, {"enabled": boolean}, lenient=True).get("enabled") is False

    def _test(self, node: Node, rule: str, index: int, skip: str) -> FtwTest | None:
        words: dict[str, Read] = {"test_id": text, "test_title": text, "rule_id": text, "stages": _anything}
        found = self.file.read(node, words, lenient=True)
        stages = found.get("stages")
        if not isinstance(stages, SequenceNode) or not stages.value:
            if isinstance(node, MappingNode):
                self.file.wrong(node, "a test has a list `stages`")
            return None
        rule = found.get("rule_id", rule)
        name = found.get("test_title") if "test_id" not in found else None
        if name is None and not rule:
            self.file.wrong(node, "the file has no `rule_id`, and its name has no number either")
            return None
        made: list[Stage] = []
        for stage in stages.value:
            stages_of, why = self._stage(stage)
            made += stages_of
            skip = skip or why
        return FtwTest(name or f"{rule}-{found.get('test_id', index)}", tuple(made), self.file.where(node), skip)

    def _stage(self, node: Node) -> tuple[list[Stage], str]:
        """(one stage, or one for each of several URIs; why the test is not run)"""
        words: dict[str, Read] = {"input": _anything, "output": _anything, "stage": _anything, "description": text}
        found = self.file.read(node, words)
        if "stage" in found:
            found = self.file.read(found["stage"], words)
        if "input" not in found or "output" not in found:
            self.file.wrong(node, "a stage has `input` and `output`")
            return [], ""
        given = self.file.read(found["input"], self._inputs)
        expected = self._output(found["output"])
        if "encoded_request" in given and {"data", "encoded_data"} & given.keys():
            self.file.wrong(found["input"], "`data` and `encoded_request` exclude each other")
        where = self.file.where(node)
        why = "an answer of its own (`response`) needs a backend that gives it" if "response" in given else ""
        return [Stage(one, expected, where) for one in _made(given)], why

    def _header(self, node: Node) -> tuple[str, str]:
        found = self.file.read(node, {"name": text, "value": text})
        if "name" not in found:
            raise ValueError("a header has a `name` and a `value`")
        return found["name"], found.get("value", "")

    def _log(self, node: Node) -> dict[str, Any]:
        return self.file.read(node, self._logs)

    def _output(self, node: Node) -> Output:
        found = self.file.read(node, self._outputs)
        log = found.get("log", {})
        made = Output(
            statuses=found.get("status", ()),
            response_contains=found.get("response_contains", b""),
            expect_ids=log.get("expect_ids", ()),
            no_expect_ids=log.get("no_expect_ids", ()),
            patterns=_given(found.get("log_contains"), log.get("match_regex")),
            no_patterns=_given(found.get("no_log_contains"), log.get("no_match_regex")),
            expect_error=found.get("expect_error", False),
            retry_once=found.get("retry_once", False),
            isolated=found.get("isolated", False),
        )
        if made.isolated and len(made.expect_ids) != 1:
            self.file.wrong(node, "`isolated` goes with exactly one id in `expect_ids`")
        return made


def _given(*values: Any) -> tuple[Any, ...]:
    return tuple(value for value in values if value is not None)


def _digits(word: str) -> str:
    return "".join(c for c in word if c in "0123456789")


def _made(found: dict[str, Any]) -> Iterator[Input]:
    """An input, or one for each of `uris`."""
    values = {name: found[word] for word, name in _INPUT_WORDS.items() if word in found}
    if "stop_magic" in found:
        values.setdefault("autocomplete", not found["stop_magic"])
    values["headers"] = (*found.get("headers", ()), *found.get("ordered_headers", ()))
    for uri in found.get("uris", ()):
        yield Input(**{**values, "uri": uri})
    if not found.get("uris"):
        yield Input(**values)
