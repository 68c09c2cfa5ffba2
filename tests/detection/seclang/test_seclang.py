"""Tables of texts that load and of texts that do not, beside ModSecurity 3; and the whole tree of one file."""

from pathlib import Path

import pytest
import yaml

from revproxy.detection.seclang import Macro, Text, Variable, parse
from revproxy.errors import Location, ManyErrors, RuleError

DATA = Path(__file__).parents[2] / "data" / "seclang"
LOADS = yaml.safe_load((DATA / "loads.yaml").read_text("utf-8"))
ERRORS = yaml.safe_load((DATA / "errors.yaml").read_text("utf-8"))


def ids(cases):
    return [repr(case["text"])[1:-1][:60] for case in cases]


def modsecurity_takes(text):
    """Whether ModSecurity 3 loads a text."""
    libmodsecurity = pytest.importorskip("libmodsecurity", exc_type=ImportError)
    return libmodsecurity.RulesSet().load(text + "\n") >= 0


@pytest.mark.parametrize("case", LOADS, ids=ids(LOADS))
def test_loads(case):
    parse(case["text"].encode(), "f")


@pytest.mark.parametrize("case", ERRORS, ids=ids(ERRORS))
def test_error(case):
    with pytest.raises((RuleError, ManyErrors)) as caught:
        parse(case["text"].encode(), "f")
    found = caught.value.errors if isinstance(caught.value, ManyErrors) else [caught.value]
    assert [
        {"says": e.message, "at": f"{e.where.line}:{e.where.column}"} | ({"hint": e.hint} if e.hint else {})
        for e in found
    ] == case["errors"]
    assert all(e.source for e in found)


@pytest.mark.parametrize("case", LOADS, ids=ids(LOADS))
def test_modsecurity_takes_the_same(case):
    assert modsecurity_takes(case["text"]) == ("only_here" not in case)


@pytest.mark.parametrize("case", ERRORS, ids=ids(ERRORS))
def test_modsecurity_refuses_the_same(case):
    if "SecRemoteRules" in case["text"]:
        pytest.skip("ModSecurity would fetch them")
    assert modsecurity_takes(case["text"]) == ("only_here" in case)


def dump(node, depth=0):
    """A tree as indented lines, with the place of whatever has one."""
    pad = "  " * depth
    match node:
        case Macro():
            pieces = [
                p.decode() if isinstance(p, bytes) else f"<{p.variable} {p.key} {at(p.where)}>" for p in node.parts
            ]
            yield f"{pad}{at(node.text.where)} {''.join(pieces)}"
        case Text():
            yield f"{pad}{at(node.where)} {node.value.decode()}"
        case Variable():
            sign = "!" * node.exclude + "&" * node.count
            yield f"{pad}{at(node.where)} {sign}{node.name}" + (f":{node.key.decode()}" if node.key else "")
            if node.pattern:
                yield from dump(node.pattern, depth + 1)
        case tuple():
            for each in node:
                yield from dump(each, depth)
        case _ if hasattr(node, "__dataclass_fields__"):
            names = [name for name in node.__dataclass_fields__ if name != "where"]
            plain = [getattr(node, name) for name in names if isinstance(getattr(node, name), str | int | bytes)]
            said = " ".join(each.decode() if isinstance(each, bytes) else str(each) for each in plain)
            place = f"{at(node.where)} " if hasattr(node, "where") else ""
            yield f"{pad}{place}{type(node).__name__} {said}".rstrip()
            for name in names:
                if not isinstance(getattr(node, name), str | int | bytes | None):
                    yield from dump(getattr(node, name), depth + 1)


def at(place: Location) -> str:
    return f"{place.line}:{place.column}"


def test_golden():
    """After a change that is meant, write what this prints into golden.txt and look at the difference."""
    tree = parse((DATA / "golden.conf").read_bytes(), "golden.conf")
    found = "\n".join(line for statement in tree.statements for line in dump(statement)) + "\n"
    notices = "".join(f"notice {at(notice.where)} {notice.message}\n" for notice in tree.notices)
    print(found + notices)
    assert found + notices == (DATA / "golden.txt").read_text("utf-8")
