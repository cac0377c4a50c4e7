"""One frame at a time, in plain Python: everything that meters say, for people, library calls and tests."""
