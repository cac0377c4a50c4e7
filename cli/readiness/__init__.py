"""`kvarn readiness`: which consumers of a cycle can be billed, asked of the warehouse."""
