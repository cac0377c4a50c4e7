"""`kvarn tariff`: list, lint, explain, rate and import."""
