import pytest

from revproxy.detection.seclang import parse
from revproxy.detection.seclang.lower import lower


@pytest.fixture
def lowered():
    """Lower a text; `files` are those that its rules may name."""

    def run(text, **files):
        def read(name):
            try:
                return files[name.replace(".", "_")]
            except KeyError:
                raise FileNotFoundError(2, "No such file or directory") from None

        return lower(parse(text.encode("utf-8", "surrogateescape"), "r.conf"), read)

    return run


@pytest.fixture
def one(lowered):
    """The only rule of a text."""

    def run(text, **files):
        (rule,) = lowered(text, **files).rules
        return rule

    return run
