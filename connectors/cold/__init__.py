"""The cold lane: requests to correct days that have left the hot window, answered from the warehouse."""
