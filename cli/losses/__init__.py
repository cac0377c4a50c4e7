"""`kvarn losses`: accounts of losses."""
