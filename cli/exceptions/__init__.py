"""`kvarn exceptions`: the queue of what somebody should look at, and work on it."""
