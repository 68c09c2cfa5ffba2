"""revproxy: a front end. `docs/architecture.md` walks one request and one message through the rooms."""

__version__ = "0.1.0"
