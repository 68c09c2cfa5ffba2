"""Two sets of exclusions are told apart by what they leave out, in whatever order their sets are."""

from __future__ import annotations

from revproxy.app.excluded import Excluded
from revproxy.detection.rules import Exclusion, Target
from revproxy.proxy.http import Placed


def made(*ids: str, path: str = "/a") -> Excluded:
    one = Exclusion(frozenset(ids), (Target("args"),))
    return Excluded({"all": (Placed(one, (), path),)}, {"one.example": (one,)}, (Placed(one),))


def test_the_same_have_the_same_text() -> None:
    many = [str(number) for number in range(50)]
    assert made(*many).text() == made(*reversed(many)).text()


def test_others_have_another() -> None:
    texts = {made("1").text(), made("2").text(), made("1", path="/b").text(), Excluded().text()}
    assert len(texts) == 4


def test_rules_that_may_not_run() -> None:
    whole = Exclusion(frozenset({"7"}), ())
    assert made("1").removed() == frozenset()
    assert Excluded(domains={"one.example": (whole,)}, elsewhere=(Placed(whole),)).removed() == {frozenset({"7"})}
