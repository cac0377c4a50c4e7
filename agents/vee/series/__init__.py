"""Validation of whole series: a file, a back-fill. Arrays of one service point in, words of failed rules out.

placing      readings as they came to a regular grid: duplicates, stamps off the grid, what is missing
model        the arrays of a service point
kernels_*    one kernel a rule; `tests/oracles/series_oracle.py` has each in plain Python
figures      months, registers without rollovers, how often values repeat
judge        which rules are judged, and with what
settle       estimates put in, and judged again
report       the numbers of it
"""
