"""Indices of a period: AT&C loss by named formulas, and reliability. Pure and exact: integers in, fractions out."""
