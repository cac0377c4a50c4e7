"""DLMS pull: associations with meters over TCP, reads that become frames, commands, and the filling of gaps."""
