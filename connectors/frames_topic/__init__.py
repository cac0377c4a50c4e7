"""Messages of a Kafka topic: frames that another head-end has received, one or a few a message."""
