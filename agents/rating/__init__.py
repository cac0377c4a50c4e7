"""Rating: time-of-use registers, demand and bills of a service point by day and month.

config, tariff   what can be set; tariffs as data
step             readings and settlements in, determinants out
tables, work     what kernels are handed, and a slot in wide numbers
state, second_slots    sums of open days and two months; room for numbers that are too large

kernels, kernels_settle, kernels_month, kernels_correct    intervals into days, days into months, corrections
kernels_bills, bills, charges    account, tariff and bill of a determinant
kernels_slot, kernels_slot_month, calendar    where numbers lie; local days and months
corrections      days that have left the window
edited           which revisions a person is behind
rows, determinants, quantities, encode    determinants as numbers, by code, as Avro

fine, fine_state, fine_kernels, fine_words, fine_tariffs, fine_corrections    points whose tariff asks for more

engine           the reference engine: bills in exact fractions
bulk             the same to the paisa, many at once
tariffs          the tariffs that come with the project, as YAML
"""
