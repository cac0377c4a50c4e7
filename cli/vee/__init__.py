"""`kvarn vee`: interval data of a file validated, filled and told; how well, is measured beside it."""
