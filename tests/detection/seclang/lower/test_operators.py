import pytest

from revproxy.detection.rules import Operator, Reference
from revproxy.errors import RuleError

CASES = [
    ('"@rx ^a$"', Operator("rx", "^a$")),
    ('"!@streq a"', Operator("streq", "a", True)),
    ('"@within %{tx.allowed}"', Operator("within", "", False, (Reference("tx", b"allowed"),))),
    (r'"@rx a\%{tx.b}"', Operator("rx", r"a\%{tx.b}")),
    ('"@pm a%{tx.b}"', Operator("pm", "a%{tx.b}")),
    ('"@pmFromFile one two"', Operator("pm", ("first", "second"))),
    ('"@pmFromFile empty"', Operator("noMatch", "")),
    ('"@ipMatchFromFile nets"', Operator("ipMatch", ("192.0.2.0/24",))),
]
FILES = {"one": b"# note\nfirst\n", "two": b"second\n", "empty": b"#\n", "nets": b"192.0.2.0/24\n"}


@pytest.mark.parametrize(("text", "want"), CASES)
def test_operator(one, text, want):
    assert one(f'SecRule ARGS {text} "id:1"', **FILES).conditions[0].operators == (want,)


def test_datasets(one):
    text = "SecDataset words `\nfirst\nsecond\n`\n" + 'SecRule ARGS "@pmFromDataset words" "id:1"'
    assert one(text).conditions[0].operators == (Operator("pm", ("first", "second")),)


WRONG = [
    ('"@pmFromFile missing"', "missing cannot be read: No such file", 24),
    ('"@pmFromDataset missing"', "there is no data set `missing`", 27),
    ('"@rx ab(c"', "rx: ", 20),
    ('"@rx a(?=b)"', "look-ahead", 17),
    ('"@ipMatch 1.2.3"', "ipMatch: ", 22),
    ('"@rx a%{tx.b}"', "@rx takes no reference to a variable", 20),
]


@pytest.mark.parametrize(("text", "message", "column"), WRONG)
def test_what_cannot_be_had_has_a_place(one, text, message, column):
    with pytest.raises(RuleError, match=message) as caught:
        one(f'SecRule ARGS {text} "id:1"')
    assert caught.value.where.line == 1
    assert abs(caught.value.where.column - column) <= 4
    assert "^" in str(caught.value)
