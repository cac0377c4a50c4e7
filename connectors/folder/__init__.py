"""Files of a watched folder: readings that another head-end has decoded."""
