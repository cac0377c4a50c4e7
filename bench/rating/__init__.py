"""Rating alone on one core: the streaming step on final readings, and months of consumers by the bulk kernel.

case       the load and the goals: bench/cases/rating
readings   what VEE publishes through the rating step, by five tariffs
months     consumers of five tariffs, and their quantities as columns
measure    rounds on one core, and what they came to against the reference engine and the truth
figures    the JSON object and the table
"""
