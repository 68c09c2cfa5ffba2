"""Floor 2: decoding that both `detection` and `content` need; pure, and bounded by what comes in."""
