"""The Quix Streams peer, in an environment of its own; nothing here is imported by who measures it but `settings`."""
