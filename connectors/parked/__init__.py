"""Parked frames: what the registry did not know flows on as late data once it does."""
