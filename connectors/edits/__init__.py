"""Edits of readings by people: judged, approved, and put into the log of frames as statements."""
