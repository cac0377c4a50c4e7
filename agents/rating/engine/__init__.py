"""The reference engine: tariffs as data, and bills in exact integers and fractions.

format       the tariff file, version 2
documents    files read, with every fault and its line
catalogue    the tariffs that come with the project
quantities   what a period is rated by
rate         the bill of a period
lines        bill and line; where money is rounded
work         what the charges of one bill see
energy, demand, money   the kinds of charges
netting      set-off of export, the bank, and shares of a group
splits       a period cut in parts: change of tariff, load, category, tenant
intervals    zones and demand of intervals
prepaid      daily deduction
adjustments  monthly values of FAC and FPPAS, and FPPAS from its inputs
load_revision  sanctioned load by recorded demand
lint         what is allowed and yet odd
words        what a tariff does, and how a bill came about
sheet        a spreadsheet as a tariff
upgrade      version 1 of the file as version 2

It is pure: no clock, no file but those named. The streaming stage has a kernel of its own (`agents.rating.charges`).
"""
