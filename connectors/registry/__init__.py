"""Registry import: master data of a utility (CSV files, PostgreSQL) to a version of the registry, and back."""
