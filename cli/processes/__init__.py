"""Processes of a run on this machine: started and ended by pid, and how far they have come."""
