"""`kvarn state`: what the stages' state holds."""
