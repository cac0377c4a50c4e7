"""Peers to compare with: the same frames, decode, checks, registers and records as `bench.naive`, in other frameworks.

Each is set by its own documentation's advice and has an environment of its own; none is a dependency of the product.
gurux's libraries (GPL-2.0) run in these processes only.

peer            what one must say to be measured: its environment, command, settings, changelog
environment     environments in the folder of local data, made when they are not there or their pins have changed
measure         a peer on a broker of its own: frames into Kafka, warmed up, measured until all is committed
truth           what must have come out, from the generator's truth
check           what came out, held against it: every reading, every meter's registers, the rejects
quix            Quix Streams (Python, gurux-dlms)
kafka_streams   Kafka Streams (Java, gurux.dlms from Maven)

This module and those of `quix` run in the peer's environment too: nothing is imported here.
"""
