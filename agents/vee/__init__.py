"""Validation, estimation and editing: decoded rows in, readings with quality, revisions and settled days out."""
