"""Node energy: the energy of a partition's service points, summed by network node and interval."""
