"""What sessions share: policies of the modes, and what is known of the inside."""

from __future__ import annotations

from revproxy.config.settings import Mode, Settings
from revproxy.proxy.smtp.office import policies


def test_policies():
    table = policies(Settings((), ()))
    assert [(table[m].inspects, table[m].enforces) for m in (Mode.ENFORCE, Mode.DETECT, Mode.OFF)] == [
        (True, True),
        (True, False),
        (False, False),
    ]


async def test_learning_never_fails(bench):
    b = await bench()
    b.inside.extensions += ("SMTPUTF8",)
    await b.other.stop()
    await b.front.learn()
    assert b.front._office.utf8 == {"one": True}
    assert not b.front._office.offers_utf8


async def test_a_delivery_that_breaks_is_logged(bench, caplog):
    b = await bench()

    async def broken() -> str:
        raise ValueError("x")

    task = b.front._office.deliver(broken())
    await b.quiet()
    assert task.exception() is not None
    assert "delivery broke: ValueError" in caplog.text
