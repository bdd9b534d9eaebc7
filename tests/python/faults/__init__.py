"""What survives what: programs that are killed, starved and disturbed, and what the next one finds."""
