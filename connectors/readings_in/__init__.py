"""Readings that another head-end has decoded, in its formats: to rows of columns, and to the frames that carry them."""
