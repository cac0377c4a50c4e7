"""Senders take frames where meters would: TCP, UDP, MQTT; or straight into Kafka, or into a file.

base.py    what a sender is, and the addresses that name one
pace.py    at which rate
tcp.py udp.py mqtt.py kafka.py files.py
play.py    a run through its senders, slot by slot
"""
