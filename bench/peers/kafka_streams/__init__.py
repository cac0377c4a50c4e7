"""The Kafka Streams peer: a Java program (src), what builds it (pom.xml) and how it is set (streams.properties)."""
