"""Decode: frames -> profile entries in columns, with events and rejects.

config, prepare  what can be set; tables for kernels of the versions in force
step             what is called when
state            counter window, event status word and clock drift of each device

kernels_open, kernels_security, kernels_unframe, kernels_keys    what a frame is, whose, and how it is opened
kernels_window, kernels_exchange, kernels_late    counters: replays, exchanges of keys, frames offered again
exchange, late, second_try, others    the same around the kernels; ciphers that few meters use
kernels_rows     verdicts and rows of the frames that are open
kernels_push, kernels_profile, kernels_compact, kernels_columns, kernels_readings    what each kind of frame holds
kernels_axdr, kernels_clock, kernels_drift    data, stamps, and how far a meter's clock is off
openings         blocks whose stamps open their interval
statements       what people say of intervals, as columns

lane, kernels_lane    the second lane: frames that only the decoder for single frames knows
records, profile_records, profile_rules    events, rejects, rows of profiles, and what is judged of these
describe, describe_readings    frames for people: `kvarn decode`
framing, generic    the kernels' work in plain Python, for tests
single           the decoder for single frames
"""
