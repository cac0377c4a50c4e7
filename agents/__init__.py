"""Stateful stages (decode, VEE, rating, losses) and the shell that runs them."""
