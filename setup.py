"""Builds the package; with REVPROXY_COMPILE=1 the modules of the data path are compiled ahead of time.

mypyc makes C of the same source that Python runs otherwise (docs/decisions/0009-compiled.md). Without the variable
nothing is compiled, and neither mypy nor a C compiler is needed.
"""

import os
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
DATA_PATH = {
    "audit": ["access", "errorlog", "findings", "masking", "redaction", "telling"],
    "codecs": ["base64", "entity", "escape", "linear", "marks", "percent"],
    "content": [
        "arguments",
        "body",
        "cookies",
        "disposition",
        "guess",
        "media",
        "multipart",
        "parthead",
        "sink",
        "windows",
    ],
    "detection/engine": [
        "adding",
        "calm",
        "chains",
        "coded",
        "contents",
        "controls",
        "effects",
        "engine",
        "excluding",
        "executor",
        "gates",
        "hinted",
        "idle",
        "inputs",
        "joining",
        "lists",
        "memory",
        "places",
        "plan",
        "reading",
        "running",
        "sieving",
        "state",
        "stretches",
        "watching",
    ],
    "detection/operators": [
        "addresses",
        "base",
        "files",
        "injection",
        "numbers",
        "phrases",
        "restpath",
        "rx",
        "shell_tokens",
        "shell_words",
        "sql_shape",
        "sqli_tokens",
        "template_tokens",
        "text",
        "validate",
        "verify",
        "xss_tokens",
    ],
    "detection/transformations": ["comments", "path", "url", "whitespace"],
    "inspection": ["inspection", "rules", "verdict"],
    "model": ["finding", "transaction"],
    "protocols/http1": ["fields", "head", "heads", "target", "write"],
    "proxy": ["outcome"],
    "proxy/http": [
        "carrier",
        "collector",
        "fields",
        "headers",
        "inward",
        "judging",
        "outward",
        "reading",
        "record",
        "refusal",
        "routes",
        "upstream",
    ],
}
"""What every request or answer goes through, by room. Not there: what is kept in pickles, the base of
classes that are not compiled (`content.whole`), and coroutines, of which mypyc does not know all."""


FLAGS = ["-fvisibility=hidden", "-fno-semantic-interposition", "-fno-plt"]
"""For the C compiler: nothing but the modules' entries can be replaced from outside, so that calls within the data
path are direct or inlined (8 % of its time)."""


def sources() -> list[str]:
    """The files to compile."""
    return [f"revproxy/{room}/{name}.py" for room, names in DATA_PATH.items() for name in names]


if os.environ.get("REVPROXY_COMPILE") == "1":
    from mypyc.build import mypycify

    os.chdir(HERE)
    extensions = mypycify(sources(), opt_level="2", group_name="revproxy.datapath")
    for extension in extensions:
        extension.extra_compile_args += FLAGS
    setup(ext_modules=extensions)
else:
    setup()
