"""The pure core: batches, steps, state, topology. Knows no broker, socket or clock."""
