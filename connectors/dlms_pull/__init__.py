"""DLMS pull: associations with meters over TCP, reads that become frames, commands, and the filling of gaps.

config, connector    what can be set; the parts put together
meters, keys, files, rows    which meters there are, where, and under which keys
sessions, gateways, patience, backoff    a place, a time and another try for each association
client, transport, sealing, counters    an association, its connection, its cipher, its invocation counters
layouts, profiles, pushes, obis, texts    what is read of a meter
encode           what was read as frames
commander, commands, offsets    commands from the topic to their final answer
filler, gaps     what is missing, and when it is asked for
kafka, journal   topics, and what must be known after a crash
"""
