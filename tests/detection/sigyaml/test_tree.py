import dataclasses

import pytest

from revproxy.detection.sigyaml import tree


@pytest.mark.parametrize("noun", [tree.Matcher, tree.Match, tree.Sample, tree.Signature])
def test_nouns_are_frozen_and_slotted(noun):
    assert dataclasses.is_dataclass(noun)
    assert noun.__dataclass_params__.frozen
    assert not hasattr(noun, "__dict__") or "__slots__" in vars(noun)
