"""Floor 4: bodies and messages to named values, without I/O: every reader takes its limits and tells a sink."""
