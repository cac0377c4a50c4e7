"""Rating: time-of-use registers, demand and bills of a service point by day and month."""
