"""Recorded load played again: `kvarn bench record` and `kvarn bench replay`.

topic.py files.py   where load comes from: a topic of frames, files of one
record.py           a topic into a file
spacing.py          when a record's time has come
to_topic.py         records as they are, into the same partitions of another topic
to_connectors.py    their frames over TCP, UDP, MQTT, by the simulator's senders
frames.py           which frames which transport takes
tally.py            how far it came
"""
