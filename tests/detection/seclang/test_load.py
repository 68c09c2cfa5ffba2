"""Reading files with what they include; whatever the text, nothing but located errors."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revproxy.detection.seclang import Include, Marker, load, parse
from revproxy.detection.seclang.load import DEPTH, FILES
from revproxy.errors import Location, ManyErrors, RuleError


class Folder:
    """Files in memory."""

    def __init__(self, files):
        self.files = {name: text.encode() for name, text in files.items()}

    def read(self, path):
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path]

    def glob(self, pattern):
        folder, _, name = pattern.rpartition("/")
        first, star, last = name.partition("*")
        if folder == "secret":
            raise PermissionError(13, "Permission denied", folder)
        fits = (lambda n: n.startswith(first) and n.endswith(last)) if star else (lambda n: n == name)
        return [path for path in self.files if path.rpartition("/")[0] == folder and fits(path.rpartition("/")[2])]

    def load(self, *names):
        return load(names, self.read, self.glob)


def markers(tree):
    return [statement.name.decode() for statement in tree.statements if isinstance(statement, Marker)]


def errors(folder, *names):
    with pytest.raises((RuleError, ManyErrors)) as caught:
        folder.load(*names)
    found = caught.value
    return list(found.errors) if isinstance(found, ManyErrors) else [found]


def test_includes_stand_in_their_place():
    folder = Folder(
        {
            "c/main.conf": "SecMarker A\nInclude rules/*.conf\nInclude one.conf\nSecMarker Z",
            "c/rules/2.conf": "SecMarker C",
            "c/rules/1.conf": 'SecMarker B\nInclude "../one.conf"',
            "c/rules/3.data": "no rules",
            "c/one.conf": "SecMarker X",
            "c/rules/../one.conf": "SecMarker Y",
        }
    )
    tree = folder.load("c/main.conf", "c/one.conf")
    assert markers(tree) == ["A", "B", "Y", "C", "X", "Z", "X"]
    assert tree.statements[1].where == Location("c/rules/1.conf", 1, 1)


def test_absolute_and_optional_includes():
    folder = Folder(
        {
            "a": "Include /b\nIncludeOptional none\nIncludeOptional n*ne\nIncludeOptional o",
            "/b": "SecMarker B",
            "o": "",
        }
    )
    assert markers(folder.load("a")) == ["B"]


@pytest.mark.parametrize(
    ("text", "says", "at"),
    [
        ("\nInclude none", "none cannot be read: No such file", "2:9"),
        ("Include n*", "no file fits n*", "1:9"),
        ("Include secret/*", "secret/* cannot be read: Permission denied", "1:9"),
        ("Include a", "a includes itself", "1:9"),
        ("Include b", "a includes itself", "1:9"),
    ],
)
def test_wrong_includes(text, says, at):
    [error] = errors(Folder({"a": text, "b": "Include a"}), "a")
    assert says in error.message
    assert f"{error.where.line}:{error.where.column}" == at
    assert error.source


def test_a_file_that_is_not_there():
    [error] = errors(Folder({}), "a")
    assert str(error) == "a: a cannot be read: No such file or directory"


def test_depth_is_bounded():
    folder = Folder({f"f{i}": f"Include f{i + 1}" for i in range(DEPTH + 5)})
    [error] = errors(folder, "f0")
    assert error.where.file == f"f{DEPTH - 1}"


def test_the_number_of_files_is_bounded():
    files = {f"f{i}": f"Include f{i + 1}\nInclude f{i + 1}" for i in range(12)}
    [error] = errors(Folder({**files, "f12": ""}), "f0")
    assert error.message == f"more than {FILES} files"


def test_a_chain_ends_in_its_file():
    files = {
        "a": 'SecRule ARGS "a" "id:1,chain"\nInclude b',
        "b": 'SecRule ARGS "b" "t:none"',
        "c": 'SecRule ARGS "c" "id:2,chain"',
    }
    assert [error.message for error in errors(Folder(files), "a", "c")] == [
        "the chain has no end",
        "the rule has no id",
        "the chain has no end",
    ]


def test_ids_are_unique_in_all_files():
    folder = Folder({"a": 'SecAction "id:1,pass"', "b": 'SecRule ARGS "a" "id:1"'})
    [error] = errors(folder, "a", "b")
    assert error.message == "id 1 is taken: it stands in a:1:12 already"
    assert error.where == Location("b", 1, 19)


def test_errors_of_all_files_are_told():
    folder = Folder({"a": "Foo\nSecMarker A", "b": "Include c\nBar", "c": "Baz"})
    assert [str(error.where) for error in errors(folder, "a", "b")] == ["a:1:1", "c:1:1", "b:2:1"]


def test_later_errors_show_their_line():
    tree = parse('SecRule ARGS "@rx é(a" "id:1"\n'.encode(), "f")
    argument = tree.statements[0].links[0].operator.argument
    assert str(tree.error(argument.text.at(2), "a group has no end")) == (
        'f:1:20: a group has no end\n  SecRule ARGS "@rx é(a" "id:1"\n                     ^'
    )
    assert str(tree.error(Location("g", 1, 1), "elsewhere")) == "g:1:1: elsewhere"


def test_parse_leaves_includes():
    [found] = parse(b"Include a/*.conf", "f").statements
    assert isinstance(found, Include)


WORDS = [
    "SecRule ", "SecAction ", "SecMarker ", "SecDefaultAction ", "SecRuleRemoveById ", "SecRuleUpdateTargetById ",
    "SecRuleUpdateActionById ", "SecDataset ", "SecRuleEngine ", "Include ", "ARGS", "!ARGS:", "&TX:", "XML:/*", "|",
    ",", ":", ".", "'", '"', "\\", "\\\n", "\n", "\r\n", " ", "#", "`", "/", "@rx ", "@pm ", "!", "%{", "tx.a", "}",
    "id:1", "id:2", "phase:2", "chain", "deny", "msg:", "setvar:", "ctl:", "ruleRemoveTargetById=", ";", "=", "=+",
    "1", "7-9", "On", "t:none", "é", "\0", "<IfModule x>",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=60).map("".join) | st.text(max_size=80))
def test_whatever_the_text_nothing_else_is_raised(text):
    raw = text.encode("utf-8", "surrogatepass")
    try:
        parse(raw, "f")
    except (RuleError, ManyErrors) as caught:
        rows = raw.count(b"\n") + 1
        for error in caught.errors if isinstance(caught, ManyErrors) else (caught,):
            assert 1 <= error.where.line <= rows
            assert error.where.column >= 1
            assert str(error)


@given(st.binary(max_size=60))
def test_whatever_the_bytes_nothing_else_is_raised(raw):
    try:
        parse(b'SecRule ARGS "@rx ' + raw + b'" "id:1,msg:\'' + raw + b"'\"\n", "f")
    except (RuleError, ManyErrors):
        pass


HOSTILE = {
    "quotes": ('SecRule ARGS "@rx ', '"', ""),
    "escaped quotes": ('SecRule ARGS "@rx ', '\\"', '" "id:1"'),
    "backslashes": ('SecRule ARGS "@rx ', "\\", ""),
    "variables": ('SecRule "', "ARGS:a|", 'ARGS" "a" "id:1"'),
    "open patterns": ('SecRule "', "ARGS:/a|", 'ARGS" "a" "id:1"'),
    "slashes": ("SecRule ARGS:", "/", ' "a" "id:1"'),
    "unknown variables": ('SecRule "', "FOO|", 'ARGS" "a" "id:1"'),
    "actions": ('SecRule ARGS "a" "id:1', ",t:none", '"'),
    "unknown actions": ('SecRule ARGS "a" "id:1', ",foo", '"'),
    "single quotes": ('SecRule ARGS "a" "id:1,msg:\'', "\\'", "'\""),
    "references": ('SecRule ARGS "a" "id:1,msg:\'', "%{tx.a}", "'\""),
    "open references": ('SecRule ARGS "a" "id:1,msg:\'', "%{tx.", "'\""),
    "continuation lines": ('SecRule "', "ARGS:a|\\\n", 'ARGS" "a" "id:1"'),
    "escapes over lines": ('SecRule ARGS "@rx ', '\\"\\\n', '" "id:1"'),
    "characters": ('SecRule "', "ARGS:é|", 'ARGS" "a" "id:1"'),
    "chain": ('SecRule ARGS "a" "id:1,chain"\n', 'SecRule ARGS "a" "chain"\n', ""),
    "long words": ("SecRule ", "A", ' "a" "id:1"'),
    "open quotes": ("", 'SecRule ARGS "a\n', ""),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_time_grows_with_the_size(what):
    before, piece, after = HOSTILE[what]
    raw = (before + piece * (500_000 // len(piece)) + after).encode()
    began = time.process_time()
    try:
        parse(raw, "f")
    except (RuleError, ManyErrors):
        pass
    # It takes half a second at most; were it quadratic, it would be minutes.
    assert time.process_time() - began < 5
