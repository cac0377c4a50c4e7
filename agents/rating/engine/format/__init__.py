"""Version 2 of the tariff file, as pydantic models.

base        what all models share: exact numbers, ranges, conditions
calendar    time-of-use zones by season and day type
charges     the kinds of charges
schemes     billing demand, load factor, net metering, prepaid
tariff      the file
"""
