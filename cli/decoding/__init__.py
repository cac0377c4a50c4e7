"""The parts of `kvarn decode`: where frames and keys come from, and how what they say is shown."""
