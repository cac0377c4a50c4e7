"""`kvarn vee`: validation and estimation of files of interval data."""
