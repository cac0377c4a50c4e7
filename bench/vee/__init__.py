"""VEE alone on one core: the streaming step on decoded batches, and whole series beside it.

case       the load and the goals: bench/cases/vee
meters     what meters used, what of it was lost, which readings are spikes
batches    what they send, as decode hands it on
stream     days through the streaming step, and what it published last
whole      whole series judged and filled
compare    final readings against the generator's truth
measure    rounds on one core
figures    the JSON object and the table
"""
