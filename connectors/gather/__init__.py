"""What all connectors share: cut a byte stream into frames, tell whose they are, and gather them by partition."""
