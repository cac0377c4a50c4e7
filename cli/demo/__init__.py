"""`kvarn demo`: a simulated fleet through the whole topology, embedded or on the real parts, and its books."""
