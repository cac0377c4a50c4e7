"""MQTT subscriber: MQTT 5 shared subscription, QoS 1, acknowledged when Kafka has acknowledged."""
