"""`kvarn explain`: from a bill to the frames it came from."""
