"""What cannot be avoided: the least CPU time that the same frames, outputs and rows take without anything of ours.

cipher    AES-128-GCM of the frames, by libcrypto or our own kernels, whichever takes less
broker    the same octets through Kafka: frames read, outputs written and read
measure   these, and the insert of the same rows with its merges (bench.inside.warehouse)
"""
