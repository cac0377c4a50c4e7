"""`kvarn registry`: master data of a utility becomes a version in force, and a version becomes files again."""
