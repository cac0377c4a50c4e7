"""The decoder alone on one core, beside gurux-dlms and beside the ciphers that only open the same frames.

case       the load and the goals: bench/cases/decode
shapes     the same pushes plain, in HDLC frames, as day profiles, as compact arrays
work       the frames of a round, and whether what was read of them is the generator's truth
gurux      one frame to values with gurux-dlms
measure    rounds in which all of them take turns on one core
figures    the JSON object and the table
page       the dated page
"""
