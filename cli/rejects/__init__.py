"""`kvarn rejects`: what was refused, why, and once more."""
