"""`kvarn vee`: validation, estimation and editing of whole series, and the rule sets that they go by."""
