"""Messages of a Kafka topic: readings that another head-end has decoded."""
