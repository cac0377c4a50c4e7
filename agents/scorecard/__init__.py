"""How far estimates are off, measured all the time on a sample of service points: the running scorecard."""
