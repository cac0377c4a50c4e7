"""`kvarn edits`: what people change of readings: proposed, approved, undone, listed."""
