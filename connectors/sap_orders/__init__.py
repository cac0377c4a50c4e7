"""Takes meter-reading orders and their cancellations from SAP over HTTP, confirms them, and writes them to a topic."""
