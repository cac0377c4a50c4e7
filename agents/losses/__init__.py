"""Losses: the balance of each transformer and feeder, by interval and day."""
