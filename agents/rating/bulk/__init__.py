"""Bills in bulk: tariffs of format v2 as flat tables, and one kernel that rates many bills exactly.

quantities   the columns that a bill is rated by
"""
