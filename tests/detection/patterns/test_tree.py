from __future__ import annotations

from revproxy.detection.patterns.tree import EMPTY, Cat, Repeat, Set, alt, cat, is_run, literal, rebuild, set_of


def test_wrappers_vanish() -> None:
    one = set_of(b"a")
    assert cat([EMPTY, one]) == one
    assert cat([]) == EMPTY
    assert cat([literal(b"ab"), one]) == Cat((set_of(b"a"), set_of(b"b"), one))
    assert alt([one, set_of(b"b")]) == set_of(b"ab")
    assert alt([literal(b"ab"), literal(b"ab")]) == literal(b"ab")


def test_rebuild_prunes() -> None:
    def without_a(node: object) -> Set | None:
        assert isinstance(node, Set)
        return None if node == set_of(b"a") else node

    assert rebuild(literal(b"ab"), without_a) is None
    assert rebuild(alt([literal(b"ab"), literal(b"cd")]), without_a) == literal(b"cd")
    assert rebuild(Repeat(set_of(b"a"), 0, None), without_a) == EMPTY
    assert rebuild(Repeat(set_of(b"a"), 1, None), without_a) is None


def test_what_no_leaf_changes_stays_the_same_object() -> None:
    tree = cat((literal(b"ab"), Repeat(set_of(b"c"), 1, None)))
    assert rebuild(literal(b"ab"), lambda leaf: leaf) == literal(b"ab")
    word = literal(b"word")
    assert rebuild(word, lambda leaf: leaf) is word
    assert rebuild(tree, lambda leaf: leaf) == tree


def test_runs_of_single_bytes() -> None:
    assert is_run((set_of(b"a"), set_of(b"bc")))
    assert not is_run((set_of(b"a"), Repeat(set_of(b"b"), 0, 1)))
