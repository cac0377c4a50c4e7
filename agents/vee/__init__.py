"""Validation, estimation and editing: decoded rows in, readings with quality, revisions and settled days out.

config, rules    what can be set; the rule sets in force
limits, tables   rule sets and the registry as kernels read them; categories of tariffs
step             arrival, ticks, settlement, answers: what is called when
state, planes    a ring of days a service point; planes of it for what few points have
output           rows that kernels write, and the batch made of them
borrow, jit      how arrays reach kernels, and how these are compiled
work             room for settling one service point

kernels_arrival, kernels_judge, kernels_rows, kernels_reading    a row comes: judged, put into the ring
kernels_again, kernels_parts, kernels_part_rows, kernels_part_time    a second row of an interval; cut rows
kernels_tick     what time alone changes
kernels_settle   closed days of all points: one of the ways below for each
kernels_quick, kernels_plain, kernels_plain_read, kernels_gaps    days that are whole; plain meters with gaps or spikes
kernels_gather, kernels_decide, kernels_estimate, kernels_registers, kernels_publish    the way of all others
kernels_order    in which order methods are tried, and how far off each is expected to be
kernels_window   rules that look along a day
kernels_words, kernels_cells, kernels_midnights, kernels_links, kernels_limits    where a thing lies in state and tables
kernels_output   readings into the columns of the batch

statements, kernels_statements, kernels_said, kernels_said_rows, kernels_said_spans    what people say of intervals
answers, cold_requests, cold_statements, improve    days that have left the window (docs/cold.md)
kernels_carried  what an answer changes of days behind a register that was carried on

estimate, series, rulesets    estimates of whole series, their validation, and rule-set documents
"""
