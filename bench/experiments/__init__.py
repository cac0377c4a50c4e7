"""Cases that are run several times: `kvarn bench list | run | compare`.

`table` names them, `series` runs one again and again (a JSON line a run, resumable), `figures` makes one object of the
runs: the median, the spread, and whether gate and goal are met. `page` and `plots` write a dated page of it, `summary`
the table of the newest. What a single run does stands with the case: `drain`.
"""
