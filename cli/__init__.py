"""The kvarn command line."""
