"""Bills in bulk: tariffs of format v2 as flat tables, and one kernel that rates many bills exactly.

quantities   the columns that a bill is rated by
refused      what of a tariff cannot be compiled
compiled     tariffs as flat tables
tables       those tables, and what is said of a bill
exact        products of 128 and 256 bits, and their one rounding
kernels      the kernel; kernels_period, _energy, _demand, _money: its parts
encode       quantities of the reference engine as columns; monthly values
bills        many bills rated from Python, and their lines by code

The reference engine (`agents.rating.engine`) is what it is held against.
"""
