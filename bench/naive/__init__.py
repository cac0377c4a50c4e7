"""The naive way, to compare with: one Kafka message a frame, one agent call a frame, gurux-dlms for the bytes.

gurux-dlms is GPL-2.0. It is imported here only, in a process of its own, and nothing of the product needs it.

decode   one frame to values, with gurux-dlms
checks   the rules and registers of the pipeline in their simplest form
worker   the Faust process
run      frames into Kafka, the process started, measured and ended
"""
