"""`kvarn vee`: interval data of a file validated, filled and told; how well; and the rule sets that it goes by."""
