"""Where each microsecond of a frame goes: `kvarn bench profile`, and the budget page.

run        the chains and the sink by stage in this process, the limit, and the processes in a drain
page       the page that is kept current: bench/results/budget.md
"""
