"""Facts from outside: outages, temperatures, check meters, neighbours."""
