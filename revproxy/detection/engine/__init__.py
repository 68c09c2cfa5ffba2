"""The engine: a rule set at work on transactions."""

from revproxy.detection.engine.engine import Engine

__all__ = ["Engine"]
