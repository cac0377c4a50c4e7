"""The chains of a topology in this process, without broker, worker process or checkpoint: what the steps alone take.

chains     partitions of every chain, fed with a generator's frames; CPU time by stage
warehouse  what the chains have sent, into a warehouse of its own
"""
