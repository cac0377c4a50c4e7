"""Ways out: each sink writes what the agents decided."""
