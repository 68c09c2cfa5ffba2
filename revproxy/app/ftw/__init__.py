"""Tests in go-ftw's format, in process or against a running front end.

`document` reads files, `request` makes bytes of a stage, a runner (`inprocess`, `wire`) carries it out, `check` says
whether the result is as expected, `run` puts that together. `setup` writes what a CRS folder needs before it.
"""

from revproxy.app.ftw.document import load
from revproxy.app.ftw.inprocess import InProcess, in_process
from revproxy.app.ftw.known import known_failures
from revproxy.app.ftw.model import Answer, FtwTest, Input, Observed, Output, Stage
from revproxy.app.ftw.reflector import reflecting
from revproxy.app.ftw.request import build
from revproxy.app.ftw.run import Ending, Result, Runner, Summary, run
from revproxy.app.ftw.setup import SUITE_LEVEL, seclang_overrides, suite_overrides
from revproxy.app.ftw.wire import LogLost, OnWire

__all__ = [
    "SUITE_LEVEL",
    "Answer",
    "Ending",
    "FtwTest",
    "InProcess",
    "Input",
    "LogLost",
    "Observed",
    "OnWire",
    "Output",
    "Result",
    "Runner",
    "Stage",
    "Summary",
    "build",
    "in_process",
    "known_failures",
    "load",
    "reflecting",
    "run",
    "seclang_overrides",
    "suite_overrides",
]
