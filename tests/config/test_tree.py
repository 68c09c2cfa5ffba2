import pytest

from revproxy.config.tree import INCLUDE_DEPTH, Tree
from revproxy.errors import ConfigError


def tree(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return Tree(folder / "main.yaml")


def keys(node):
    return [key.value for key, _ in node.value]


def test_nodes_know_their_file(tmp_path):
    made = tree(tmp_path, main="a: 1\ninclude: other.yaml", other="b: 2")
    assert keys(made.root) == ["a", "b"]
    (_, a), (_, b) = made.root.value
    assert made.folder(b) == tmp_path
    error = made.located("bad", b)
    assert str(error) == f"{tmp_path}/other.yaml:1:4: bad\n  b: 2\n     ^"
    assert made.located("bad", a).where.file == f"{tmp_path}/main.yaml"


def test_lists_and_mappings_join(tmp_path):
    made = tree(tmp_path, main="l: [1]\nm: {a: 1}\ninclude: other.yaml", other="l: [2]\nm: {b: 2}")
    (_, items), (_, mapping) = made.root.value
    assert [n.value for n in items.value] == ["1", "2"]
    assert keys(mapping) == ["a", "b"]
    assert made.errors == []


def test_an_empty_file_is_an_empty_mapping(tmp_path):
    assert tree(tmp_path, main="# nothing").root.value == []


def test_includes_have_a_depth(tmp_path):
    files = {f"f{n}": f"include: f{n + 1}.yaml" for n in range(INCLUDE_DEPTH + 3)}
    made = tree(tmp_path, main="include: f0.yaml", **files)
    assert [e.message for e in made.errors] == [f"includes are deeper than {INCLUDE_DEPTH}"]


def test_a_control_character_has_its_place(tmp_path):
    with pytest.raises(ConfigError) as caught:
        tree(tmp_path, main="a: 1\nb: \x07")
    assert (caught.value.where.line, caught.value.where.column) == (2, 4)


def test_an_error_without_a_node_is_of_the_whole_file(tmp_path):
    made = tree(tmp_path, main="")
    made.error("bad", None)
    assert str(made.errors[0]) == f"{tmp_path}/main.yaml: bad"


def test_a_file_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("revproxy.config.tree.FILE_BYTES", 10)
    with pytest.raises(ConfigError, match="larger than 10 bytes"):
        tree(tmp_path, main="a: 1234567890")
