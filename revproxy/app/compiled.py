"""Whether the data path runs as machine code (docs/decisions/0009-compiled.md)."""

from revproxy.detection.engine import engine


def compiled() -> bool:
    """Of the modules that can be compiled, the engine stands for all."""
    return not engine.__file__.endswith(".py")
