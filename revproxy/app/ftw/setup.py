"""SecLang that stands before a CRS folder: what the rule set leaves to whoever installs it, for tests.

The rule set's own regression tests presuppose a configuration: level 4, detection only, some limits, answers
inspected, a marker in the log. The texts are ours, and ids are taken from the range that is kept for local rules.
"""

from __future__ import annotations

from collections.abc import Mapping

MARKER_RULE = "999999"
"""The id that go-ftw's marker has by convention."""
MARKER_HEADER = "X-CRS-Test"
SUITE_LEVEL = 4
SUITE_VARIABLES = {
    "arg_name_length": "100",
    "arg_length": "400",
    "total_arg_length": "6400",
    "max_num_args": "255",
    "max_file_size": "64100",
    "combined_file_sizes": "65535",
    "crs_validate_utf8_encoding": "1",
}
"""What the regression tests presuppose (`tx` variables of crs-setup.conf)."""

_ENGINE = """\
SecRuleEngine {engine}
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 1310720
SecRequestBodyLimitAction Reject
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html text/xml application/json
SecResponseBodyLimit 524288
SecResponseBodyLimitAction ProcessPartial
SecAuditEngine Off
SecRule REQUEST_HEADERS:Content-Type "@rx ^(?:application(?:/soap\\+|/)|text/)xml" \\
    "id:90001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/(?:(?:[a-z0-9.-]+\\+)?json|csp-report)" \\
    "id:90002,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
"""
_LEVEL = """\
SecAction \\
    "id:90003,phase:1,pass,t:none,nolog,\\
    setvar:tx.blocking_paranoia_level={level},\\
    setvar:tx.detection_paranoia_level={level}"
"""
_VARIABLE = 'SecAction "id:{id},phase:1,pass,t:none,nolog,setvar:tx.{name}={value}"\n'
_FIRST_VARIABLE_ID = 90010
_MARKER = f"""\
SecRule REQUEST_HEADERS:{MARKER_HEADER} "@rx ^.*$" \\
    "id:{MARKER_RULE},phase:1,pass,t:none,log,msg:'{MARKER_HEADER} %{{MATCHED_VAR}}'"
"""


def seclang_overrides(
    level: int, variables: Mapping[str, str] | None = None, marker: bool = False, enforces: bool = False
) -> str:
    """A file to be read before crs-setup.conf. `variables` are names in `tx` and their values."""
    given = (variables or {}).items()
    lines = [
        _ENGINE.format(engine="On" if enforces else "DetectionOnly"),
        _LEVEL.format(level=level),
        *(
            _VARIABLE.format(id=_FIRST_VARIABLE_ID + index, name=name, value=value)
            for index, (name, value) in enumerate(given)
        ),
        _MARKER if marker else "",
    ]
    return "".join(lines)


def suite_overrides(level: int = SUITE_LEVEL) -> str:
    """The one that the rule set's regression tests presuppose."""
    return seclang_overrides(level, SUITE_VARIABLES, marker=True)
