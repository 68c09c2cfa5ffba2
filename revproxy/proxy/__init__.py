"""Floor 7: the straight lines, one for each protocol. The two never import each other."""
