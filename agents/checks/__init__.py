"""Main meters against their check meters, by day (V34)."""
