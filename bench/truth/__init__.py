"""What a burst must have left in the warehouse, and the comparison of every row with it. Shares no code with the steps.

sent         what the meters of a slice sent, from the generator's formulas
history      what becomes of one meter's intervals, in plain Python: the rules as their text has them
published    a slice of meters: every revision of every interval, in arrays
readings     the rows of `readings` that must be there
determinants the same for bills, days and months
balances     the same for losses
rows         two sets of rows by key: what is missing, too many, or another
warehouse    columns out of ClickHouse
check        all of it, slice by slice
"""
