"""Faults on the real topology: parts are killed, frozen or replaced while they work; nothing may be lost or doubled.

kinds     which faults there are
plans     the seeded moments of a trial
parts     processes, of which some end as planned and are started again
scene     what a disturbance finds
ways      how each fault is done
audit     the raw topics: an output's id stands for one content
trial     one log drained under one fault, then compared with the generator's truth
mutants   the pipeline with one rule left out, which must be noticed
mutant    starts a part as such a mutant
series    many trials, a JSON line each, resumable
figures   what is reported
"""
