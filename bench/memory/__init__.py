"""What a worker's memory holds, by stage and table."""
