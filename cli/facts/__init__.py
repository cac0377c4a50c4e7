"""`kvarn facts`: outages, temperatures, check meters and neighbours from files."""
