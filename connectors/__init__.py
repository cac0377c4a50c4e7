"""Ways in: each connector gathers frames into batches."""
