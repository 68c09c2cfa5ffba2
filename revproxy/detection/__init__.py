"""Floor 4: what a rule is, how rules are linked, and the engine that runs them. No I/O, no clock, no protocol."""
