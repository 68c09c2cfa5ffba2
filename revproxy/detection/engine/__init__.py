"""The engine: a rule set at work on transactions."""

from revproxy.detection.engine.engine import Engine
from revproxy.detection.engine.shared import Loaded, Shared, load

__all__ = ["Engine", "Loaded", "Shared", "load"]
