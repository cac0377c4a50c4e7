"""Frames that are kept, rejected and parked ones: which of them are worth another try, and how they are tried."""
